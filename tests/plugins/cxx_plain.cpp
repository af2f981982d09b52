// Plain C++ with default visibility: where libstdc++ is mapped after it, libstdc++ binds weak symbols of its own into
// this library and keeps it for ever.
#include <locale>
#include <sstream>
#include <string>
#include <vector>

extern "C" __attribute__((visibility("default"))) int touch() {
    std::vector<std::string> words{"a", "b"};
    std::ostringstream out;
    out << words.size() << std::use_facet<std::ctype<char>>(std::locale::classic()).toupper('x');
    return static_cast<int>(out.str().size());
}
