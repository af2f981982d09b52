#include "report.hpp"

#include <string>

#include "file_posix.hpp"

namespace hotgraft {

namespace {

void add_escaped(std::string *line, std::string_view field) {
    for (const char one : field) {
        switch (one) {
        case '\n':
            *line += "\\n";
            break;
        case '\t':
            *line += "\\t";
            break;
        case '\\':
            *line += "\\\\";
            break;
        default:
            *line += one;
        }
    }
}

} // namespace

void ProbeReport::begin(const char *stage, std::string_view subject) const noexcept {
    say({"begin", stage, subject});
}

void ProbeReport::end(std::int64_t ns) const noexcept {
    say({"end", std::to_string(ns)});
}

void ProbeReport::fail(const Status &status) const noexcept {
    say({"fail", std::to_string(static_cast<int>(status.code())), status.message()});
}

void ProbeReport::say(std::initializer_list<std::string_view> fields) const noexcept {
    (void)or_no_memory([&]() -> Status { // what cannot be said for want of memory, the exit says
        std::string line = ">";
        for (const std::string_view field : fields) {
            if (line.size() > 1) {
                line += '\t';
            }
            add_escaped(&line, field);
        }
        line += '\n';
        write_whole(fd_, line);
        return {};
    });
}

} // namespace hotgraft
