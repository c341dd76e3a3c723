// Prints the parity table from inside the guest.
#include "guest_runtime/samples/parity_table.hpp"
#include "guest_runtime/stdio/print.hpp"

int main() {
    using namespace astra;
    int rows = 0;
    for (const parity::Part& part : parity::kParts) {
        println("{}\n", part.title);
        for (int i = 0; i < part.count; i++, rows++)
            println("  {:<52} {}\n  {:<52}   proved by {}", part.rows[i].item, part.rows[i].lives, "",
                    part.rows[i].proof);
        println();
    }
    println("{} rows", rows);
    return 0;
}
