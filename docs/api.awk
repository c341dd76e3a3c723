# Writes docs/API.md from control_proto/astra.proto: every service with its calls, every message with its fields, in the
# words of the comments there.
BEGIN {
    print "# astra.v1"
    print ""
    print "<!-- generated from control_proto/astra.proto by docs/generate; do not edit -->"
    print ""
    head = 1
}
function flush_comment(text) { text = comment; comment = ""; return text }
# "message Guest {" … "}": fields as rows; nested blocks are shown by what they add to the name.
function row(line, note, at, name, number, type) {
    note = ""
    if (at = index(line, "//")) { note = substr(line, at + 2); sub(/^ */, "", note); line = substr(line, 1, at - 1) }
    sub(/^ +/, "", line); sub(/;? *$/, "", line)
    at = index(line, " = ")
    number = substr(line, at + 3); line = substr(line, 1, at - 1)
    name = line; sub(/.* /, "", name)
    type = substr(line, 1, length(line) - length(name)); sub(/ +$/, "", type)
    gsub(/</, "\\&lt;", type)
    if (comment != "") note = note (note ? " " : "") flush_comment()
    printf "| %s | `%s` | %s | %s |\n", number, name, type, note
}
/^\/\/ / && head { print substr($0, 4); next }
/^syntax/ { head = 0; next }
/^package|^ *$/ { if (!depth) comment = ""; next }
/^ *\/\/ / { text = $0; sub(/^ *\/\/ /, "", text); comment = comment (comment ? " " : "") text; next }
/^service/ { print "\n## Service " $2 "\n"; if (comment != "") print flush_comment() "\n"; depth = 1; service = 1; next }
/^ *rpc/ {
    line = $0; sub(/^ *rpc /, "", line); sub(/;.*/, "", line)
    split(line, part, "(")
    print "- **" part[1] "** `" substr(line, length(part[1]) + 1) "`" (comment ? "  " : "")
    if (comment != "") print "  " flush_comment()
    next
}
/^(message|enum) .*\{.*\}/ {
    split($0, part, /[{}]/)
    print "\n### " $2 "\n"; if (comment != "") print flush_comment() "\n"
    body = part[2]
    at = index($0, "}"); note = substr($0, at + 1)
    if (body !~ /[^ ]/) { print "No fields."; next }
    print "| # | field | type | |\n|---|---|---|---|"
    row(body note)
    next
}
/^(message|enum) / {
    print "\n### " $2 "\n"; if (comment != "") print flush_comment() "\n"
    print "| # | field | type | |\n|---|---|---|---|"
    depth = 1; next
}
/^ *(oneof|message|enum) .*\{/ { comment = "(" $1 " `" $2 "`)" (comment ? " " comment : ""); depth++; next }
/^ *\}/ { depth--; service = 0; if (!depth) comment = ""; next }
depth && / = / { row($0) }
