// Ranges of sequence numbers.
#include "guest_kernel/net/tcp/scoreboard.hpp"

namespace astra::inet::tcp {

u32 RangeSet::find(u32 sequence) const {
    u32 i = 0;
    while (i < count_ && !after(ranges_[i].end, sequence)) i++;
    return i;
}

void RangeSet::add(Range range) {
    if (!before(range.begin, range.end)) return;
    u32 first = 0;
    while (first < count_ && before(ranges_[first].end, range.begin)) first++;
    u32 last = first;  // ranges [first, last) touch the new one
    while (last < count_ && !after(ranges_[last].begin, range.end)) {
        range.begin = earlier(range.begin, ranges_[last].begin);
        range.end = later(range.end, ranges_[last].end);
        bytes_ -= ranges_[last].end - ranges_[last].begin;
        last++;
    }
    if (first == last) {
        if (count_ == kMax) return;
        for (u32 i = count_++; i > first; i--) ranges_[i] = ranges_[i - 1];
    } else if (last - first > 1) {
        for (u32 i = last; i < count_; i++) ranges_[i - (last - first - 1)] = ranges_[i];
        count_ -= last - first - 1;
    }
    ranges_[first] = range;
    bytes_ += range.end - range.begin;
}

void RangeSet::advance(u32 sequence) {
    u32 gone = 0;
    while (gone < count_ && !after(ranges_[gone].end, sequence)) {
        bytes_ -= ranges_[gone].end - ranges_[gone].begin;
        gone++;
    }
    for (u32 i = gone; i < count_; i++) ranges_[i - gone] = ranges_[i];
    count_ -= gone;
    if (count_ > 0 && before(ranges_[0].begin, sequence)) {
        bytes_ -= sequence - ranges_[0].begin;
        ranges_[0].begin = sequence;
    }
}

u32 RangeSet::bytes_within(u32 begin, u32 end) const {
    u32 sum = 0;
    for (u32 i = find(begin); i < count_ && before(ranges_[i].begin, end); i++)
        sum += earlier(ranges_[i].end, end) - later(ranges_[i].begin, begin);
    return sum;
}

}  // namespace astra::inet::tcp
