// Exact decimal digits of binary floating point: Steele and White's free-format algorithm with big integers
// ("How to Print Floating-Point Numbers Accurately", 1990; also known as Dragon4), and fixed precision by the
// same numbers.
#include <algorithm>
#include <bit>

#include "guest_runtime/fmt/formatter.hpp"

namespace astra::fmt {

namespace {

/// A natural number of up to 1216 bits: enough for 2^1100 and for 5^1100 halves of the smallest double.
class Big {
  public:
    explicit Big(u64 value) : words_{static_cast<u32>(value), static_cast<u32>(value >> 32)}, size_(2) {
        trim();
    }
    void multiply(u32 factor) {
        u64 carry = 0;
        for (usize i = 0; i < size_; i++) {
            carry += u64{words_[i]} * factor;
            words_[i] = static_cast<u32>(carry);
            carry >>= 32;
        }
        if (carry) words_[size_++] = static_cast<u32>(carry);
        trim();
    }
    void shift(u32 bits) {
        for (; bits >= 31; bits -= 31) multiply(u32{1} << 31);
        multiply(u32{1} << bits);
    }
    void power10(i32 exponent) {
        for (; exponent >= 9; exponent -= 9) multiply(1'000'000'000);
        for (; exponent > 0; exponent--) multiply(10);
    }
    friend int compare(const Big& a, const Big& b) {
        if (a.size_ != b.size_) return a.size_ < b.size_ ? -1 : 1;
        for (usize i = a.size_; i-- > 0;)
            if (a.words_[i] != b.words_[i]) return a.words_[i] < b.words_[i] ? -1 : 1;
        return 0;
    }
    void add(const Big& o) {
        u64 carry = 0;
        for (usize i = 0; i < std::max(size_, o.size_) || carry; i++) {
            if (i >= size_) words_[size_++] = 0;
            carry += u64{words_[i]} + (i < o.size_ ? o.words_[i] : 0);
            words_[i] = static_cast<u32>(carry);
            carry >>= 32;
        }
    }
    void subtract(const Big& o) {
        i64 borrow = 0;
        for (usize i = 0; i < size_; i++) {
            borrow += i64{words_[i]} - (i < o.size_ ? o.words_[i] : 0);
            words_[i] = static_cast<u32>(borrow);
            borrow >>= 32;
        }
        trim();
    }
    /// Takes `o` away as often as it goes (at most 9 times): a decimal digit.
    char digit(const Big& o) {
        char d = '0';
        for (; compare(*this, o) >= 0; d++) subtract(o);
        return d;
    }
    [[nodiscard]] bool zero() const { return size_ == 0; }

  private:
    void trim() {
        while (size_ && words_[size_ - 1] == 0) size_--;
    }
    u32 words_[40];
    usize size_;
};

/// Digits of a number and where its point is: 0.d1d2d3… × 10^point.
struct Digits {
    char text[1100];
    i32 count = 0, point = 0;
    void round_up() {
        i32 i = count;
        while (i > 0 && text[i - 1] == '9') text[--i] = '0';
        if (i > 0)
            text[i - 1]++;
        else {  // 99… became 100…
            text[0] = '1';
            std::fill(text + 1, text + std::max(count, 1), '0');
            count = std::max(count, 1);
            point++;
        }
    }
};

/// value = numerator / denominator; the neighbours are `half` (and `half_above`) away over the denominator.
struct Ratio {
    Big numerator{0}, denominator{1}, half{1}, half_above{1};
    bool even = false;
    i32 point = 0;

    explicit Ratio(double value) {
        u64 bits = std::bit_cast<u64>(value);
        u64 mantissa = bits & ((u64{1} << 52) - 1);
        i32 exponent = static_cast<i32>(bits >> 52 & 0x7ff);
        bool lowest = mantissa == 0 && exponent > 1;  // the neighbour below is nearer
        if (exponent)
            mantissa |= u64{1} << 52;
        else
            exponent = 1;
        exponent -= 1075;
        even = mantissa % 2 == 0;
        numerator = Big(mantissa);
        u32 up = lowest ? 2 : 1;
        numerator.shift(up + (exponent > 0 ? static_cast<u32>(exponent) : 0));
        denominator.shift(up + (exponent < 0 ? static_cast<u32>(-exponent) : 0));
        if (exponent > 0)
            half.shift(static_cast<u32>(exponent)), half_above.shift(static_cast<u32>(exponent));
        if (lowest) half_above.shift(1);
        // log10 estimated from log2, then corrected: 0.1 <= value / 10^point < 1.
        i32 log2 = exponent + 63 - std::countl_zero(mantissa);
        point = static_cast<i32>(static_cast<i64>(log2) * 30103 / 100000) + (log2 >= 0 ? 1 : 0);
        if (point >= 0)
            denominator.power10(point);
        else
            numerator.power10(-point), half.power10(-point), half_above.power10(-point);
        while (compare(numerator, denominator) >= 0) denominator.multiply(10), point++;
        for (;;) {
            Big ten = numerator;
            ten.multiply(10);
            if (compare(ten, denominator) >= 0) break;
            numerator = ten, half.multiply(10), half_above.multiply(10), point--;
        }
    }
};

/// The fewest digits that only `value` (> 0) is nearest to.
void shortest(double value, Digits& out) {
    Ratio r(value);
    // A value whose upper neighbourhood reaches the next power of ten is written as that power's digit 1.
    Big reach = r.numerator;
    reach.add(r.half_above);
    int above = compare(reach, r.denominator);
    out.point = r.point;
    if (above > 0 || (above == 0 && r.even)) r.denominator.multiply(10), out.point++;
    for (;;) {
        r.numerator.multiply(10), r.half.multiply(10), r.half_above.multiply(10);
        char digit = r.numerator.digit(r.denominator);
        int low = compare(r.numerator, r.half);
        Big sum = r.numerator;
        sum.add(r.half_above);
        int high = compare(sum, r.denominator);
        bool stop_low = low < 0 || (low == 0 && r.even), stop_high = high > 0 || (high == 0 && r.even);
        out.text[out.count++] = digit;
        if (!stop_low && !stop_high) continue;
        Big twice = r.numerator;
        twice.multiply(2);
        if (stop_high && (!stop_low || compare(twice, r.denominator) >= 0)) out.round_up();
        return;
    }
}

/// Digits up to `places` after the point (or `places` + 1 in all when `significant`), the last one rounded
/// half to even.
void exact(double value, i32 places, bool significant, Digits& out) {
    Ratio r(value);
    out.point = r.point;
    i32 wanted = std::min<i32>(significant ? places + 1 : r.point + places, sizeof out.text - 1);
    if (wanted < 0) return;  // below half of the last place
    while (out.count < wanted) {
        r.numerator.multiply(10);
        out.text[out.count++] = r.numerator.digit(r.denominator);
    }
    r.numerator.multiply(2);
    int over = compare(r.numerator, r.denominator);
    bool odd = out.count > 0 && (out.text[out.count - 1] - '0') % 2;
    if (over > 0 || (over == 0 && odd)) out.round_up();
}

}  // namespace

void show_float(Formatter& out, double value) {
    bool negative = std::bit_cast<u64>(value) >> 63;
    if (value != value) return out.pad("NaN");
    if (negative) value = -value;
    if (value > 1.7976931348623157e308) return out.pad_number(negative, "", "inf");
    const Spec& spec = out.spec();
    bool exponent = spec.type == 'e';
    Digits d;
    if (value == 0)
        d.point = 1, d.text[d.count++] = '0';
    else if (spec.precision < 0)
        shortest(value, d);
    else
        exact(value, spec.precision, exponent, d);

    char text[1500];
    BufferSink sink(text);
    Formatter plain(sink);
    auto digit = [&](i32 i) { return i >= 0 && i < d.count ? d.text[i] : '0'; };
    i32 whole = exponent ? 1 : d.point;
    if (whole <= 0) plain.write("0");
    for (i32 i = 0; i < whole; i++) plain.print("{}", digit(i));
    i32 places = spec.precision >= 0 ? spec.precision : std::max(d.count - whole, 0);
    if (places == 0 && spec.type == '?' && spec.precision < 0) places = 1;  // {:?} of 1.0 shows the point
    if (places > 0) plain.write(".");
    for (i32 i = 0; i < places; i++) plain.print("{}", digit(whole + i));
    if (exponent) plain.print("e{}", d.point - 1);
    out.pad_number(negative, "", sink.text());
}

}  // namespace astra::fmt
