// Differences and sums of rows.
#include "vmm/control/rates.hpp"

#include <algorithm>
#include <map>

#include "vmm/control/counters.hpp"

namespace astra::vmm {
namespace {

using control::SyscallStatistics;

constexpr u64 SyscallStatistics::*kSums[]{&SyscallStatistics::calls, &SyscallStatistics::errors,
                                          &SyscallStatistics::total_ns, &SyscallStatistics::blocked_ns};

void finish(SyscallStatistics& row) {
    row.mean_ns = row.calls ? row.total_ns / row.calls : 0;
    row.p50_ns = percentile(row.histogram, 0.50, row.max_ns);
    row.p99_ns = percentile(row.histogram, 0.99, row.max_ns);
}

}  // namespace

SyscallRows since(const SyscallRows& before, const SyscallRows& now) {
    std::map<std::string_view, const SyscallStatistics*> old;
    for (const SyscallStatistics& row : before) old[row.name] = &row;
    auto less = [](u64& value, u64 by) { value -= std::min(value, by); };
    SyscallRows rows;
    for (SyscallStatistics row : now) {
        if (auto was = old.find(row.name); was != old.end()) {
            for (auto sum : kSums) less(row.*sum, was->second->*sum);
            const auto& histogram = was->second->histogram;
            for (usize i = 0; i < std::min(row.histogram.size(), histogram.size()); i++)
                less(row.histogram[i], histogram[i]);
        }
        if (row.calls == 0) continue;
        finish(row);
        rows.push_back(std::move(row));
    }
    std::ranges::stable_sort(rows, std::greater(), &SyscallStatistics::calls);
    return rows;
}

SyscallStatistics total(const SyscallRows& rows) {
    SyscallStatistics all;
    for (const SyscallStatistics& row : rows) {
        for (auto sum : kSums) all.*sum += row.*sum;
        all.max_ns = std::max(all.max_ns, row.max_ns);
        all.histogram.resize(std::max(all.histogram.size(), row.histogram.size()));
        for (usize i = 0; i < row.histogram.size(); i++) all.histogram[i] += row.histogram[i];
    }
    finish(all);
    return all;
}

}  // namespace astra::vmm
