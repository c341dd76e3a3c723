// Printing spans of time.
#include "guest_runtime/time/duration.hpp"

#include "guest_runtime/fmt/formatter.hpp"

namespace astra::time {

void display(fmt::Formatter& out, Duration d) {
    struct Unit {
        u64 nanos;
        i32 digits;
        std::string_view name;
    };
    static constexpr Unit kUnits[] = {
        {1'000'000'000, 9, "s"}, {1'000'000, 6, "ms"}, {1000, 3, "µs"}, {1, 0, "ns"}};
    const Unit* unit = kUnits;
    if (d.as_secs() == 0)
        while (unit->nanos > 1 && d.subsec_nanos() < unit->nanos) unit++;
    u64 whole = unit->digits == 9 ? d.as_secs() : d.subsec_nanos() / unit->nanos;
    u64 fraction = d.subsec_nanos() % unit->nanos;

    // Digits after the point: as many as asked for, rounded half up, or those that say something.
    i32 precision = out.spec().precision, digits = unit->digits;
    i32 zeros = precision > digits ? precision - digits : 0;
    if (precision >= 0) {
        u64 cut = 1;
        for (; digits > precision; digits--) cut *= 10;
        fraction = (fraction + cut / 2) / cut;
        u64 one = 1;
        for (i32 i = 0; i < digits; i++) one *= 10;
        whole += fraction / one;
        fraction %= one;
    } else {
        for (; digits > 0 && fraction % 10 == 0; digits--) fraction /= 10;
    }
    char text[64];
    fmt::BufferSink sink(text);
    fmt::Formatter plain(sink);
    plain.print("{}", whole);
    if (digits + zeros > 0) plain.write(".");
    char places[12];
    for (i32 i = digits; i > 0; i--, fraction /= 10) places[i - 1] = static_cast<char>('0' + fraction % 10);
    plain.write({places, static_cast<usize>(digits)});
    for (i32 i = 0; i < zeros && i < 20; i++) plain.write("0");
    plain.write(unit->name);
    out.write(sink.text());
}

}  // namespace astra::time
