// The kernel heap: sizes, alignment, reuse, exhaustion.
#include "guest_kernel/mm/heap.hpp"

#include "tests/unit/mm/fixture.hpp"

namespace astra::mm {

namespace {

using Heap = MemoryTest;

TEST_F(Heap, AlignsAndSeparatesObjects) {
    u64 frames = frame_stats().free;
    HeapStats before = heap_stats();
    std::vector<std::pair<u8*, usize>> objects;
    for (usize size = 1; size <= 9000; size += size < 300 ? 1 : 97) {
        auto* object = static_cast<u8*>(heap_alloc(size));
        ASSERT_NE(object, nullptr);
        EXPECT_EQ(reinterpret_cast<u64>(object) % (size >= 64 ? 64 : 16), 0u) << size;
        memset(object, static_cast<int>(size * 7), size);
        objects.emplace_back(object, size);
    }
    for (auto [object, size] : objects)
        for (usize i = 0; i < size; i++) ASSERT_EQ(object[i], static_cast<u8>(size * 7)) << size;
    EXPECT_EQ(heap_stats().objects_in_use, before.objects_in_use + objects.size());
    for (auto [object, size] : objects) heap_free(object);
    EXPECT_EQ(heap_stats().objects_in_use, before.objects_in_use);
    EXPECT_EQ(heap_stats().bytes_in_use, before.bytes_in_use);
    // One empty slab per class may stay.
    EXPECT_LE(frames - frame_stats().free, 17u);
}

TEST_F(Heap, AlignsAsAsked) {
    for (usize alignment = 8; alignment <= kPageSize; alignment *= 2) {
        for (usize size : {1, 40, 100, 700, 3000, 5000}) {
            void* object = heap_alloc_aligned(size, alignment);
            ASSERT_NE(object, nullptr);
            EXPECT_EQ(reinterpret_cast<u64>(object) % alignment, 0u);
            heap_free(object);
        }
    }
}

TEST_F(Heap, EndsWithNullWhenMemoryDoes) {
    std::vector<void*> objects;
    while (void* object = heap_alloc(2048)) objects.push_back(object);
    EXPECT_EQ(heap_alloc(1 << 20), nullptr);
    EXPECT_EQ(heap_alloc(~usize{0}), nullptr);
    EXPECT_GT(objects.size(), kRamBytes / 4096);
    for (void* object : objects) heap_free(object);
    void* large = heap_alloc(4 << 20);
    EXPECT_NE(large, nullptr);
    heap_free(large);
    heap_free(nullptr);
}

TEST_F(Heap, SurvivesRandomUse) {
    std::mt19937 random(2);
    struct Object {
        u8* at;
        usize size;
        u8 mark;
    };
    std::vector<Object> objects;
    HeapStats before = heap_stats();
    for (int step = 0; step < 50000; step++) {
        if (random() % 2 || objects.empty()) {
            usize size = random() % 10 ? random() % 600 + 1 : random() % 20000 + 1;
            auto* at = static_cast<u8*>(heap_alloc(size));
            if (!at) continue;
            u8 mark = static_cast<u8>(random());
            memset(at, mark, size);
            objects.push_back({at, size, mark});
        } else {
            std::swap(objects[random() % objects.size()], objects.back());
            Object o = objects.back();
            objects.pop_back();
            ASSERT_EQ(o.at[0], o.mark);
            ASSERT_EQ(o.at[o.size - 1], o.mark);
            heap_free(o.at);
        }
    }
    for (const Object& o : objects) heap_free(o.at);
    EXPECT_EQ(heap_stats().bytes_in_use, before.bytes_in_use);
}

}  // namespace

}  // namespace astra::mm
