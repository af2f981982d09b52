// What follows from a function's parameters and result alone: which call takes them, and how its docstring reads.
#include "call_function.hpp"

#include <algorithm>
#include <array>

namespace hotgraft {
namespace {

// Words that cannot name a parameter in a Python signature (Python 3.13, keyword.kwlist).
constexpr std::array<const char *, 35> kKeywords = {
    {"False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
     "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
     "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
     "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield"}};

std::string python_name(const std::string &name) {
    const bool is_keyword =
        std::any_of(kKeywords.begin(), kKeywords.end(), [&](const char *word) { return name == word; });
    return is_keyword ? name + "_" : name;
}

std::string shown_type(const Parameter &parameter, const std::string &count) {
    if (parameter.kind != Parameter::Kind::kBuffer) {
        return parameter.type.name + (parameter.is_nullable ? " or None" : "");
    }
    const std::string shown =
        (parameter.is_written ? "writable " : "") + parameter.type.name + "[" + (count.empty() ? "1" : count) + "]";
    return parameter.is_nullable ? shown + " or None" : shown;
}

} // namespace

Returns Function::returns() const {
    if (result.kind == Result::Kind::kSigned && result.shift == 0) {
        return Returns::kInt64;
    }
    return result.kind == Result::Kind::kFloat64  ? Returns::kReal64
           : result.kind == Result::Kind::kStatus ? Returns::kStatus
                                                  : Returns::kOther;
}

char item_format(const ElementType &type) {
    if (!type.is_scalar) {
        return 0;
    }
    if (type.scalar == Scalar::kReal) {
        return type.bytes == 4 ? 'f' : 'd';
    }
    const char *const letters = type.scalar == Scalar::kSigned ? "bhiq" : "BHIQ";
    return letters[type.bytes == 1 ? 0 : type.bytes == 2 ? 1 : type.bytes == 4 ? 2 : 3];
}

bool Function::is_same_call(const Function &other) const {
    const auto same_type = [](const ElementType &left, const ElementType &right) {
        return left.name == right.name && left.bytes == right.bytes && left.align == right.align;
    };
    const auto same_parameter = [&](const Parameter &left, const Parameter &right) {
        return left.kind == right.kind && left.is_nullable == right.is_nullable &&
               left.is_written == right.is_written && left.place == right.place &&
               left.counted_by == right.counted_by && left.count == right.count && same_type(left.type, right.type);
    };
    return name == other.name && interface_index == other.interface_index && table_offset == other.table_offset &&
           is_blocking == other.is_blocking && is_caught == other.is_caught && is_dirty == other.is_dirty &&
           result.kind == other.result.kind && result.counted_by == other.result.counted_by &&
           result.count == other.result.count && same_type(result.type, other.result.type) &&
           parameters.size() == other.parameters.size() &&
           std::equal(parameters.begin(), parameters.end(), other.parameters.begin(), same_parameter);
}

Reach Function::least_reach() const {
    if (has_reals) {
        return stack_words == 0 ? Reach::kRegisters : Reach::kAll;
    }
    return stack_words == 0                              ? Reach::kIntegers
           : stack_words <= RegisterFile::kFewStackWords ? Reach::kIntegersAndFewWords
                                                         : Reach::kAll;
}

std::uint32_t Function::count_arguments() const {
    return static_cast<std::uint32_t>(
        std::count_if(parameters.begin(), parameters.end(),
                      [](const Parameter &parameter) { return parameter.kind != Parameter::Kind::kCountOut; }));
}

std::string Function::describe(const std::vector<std::string> &counts) const {
    std::string signature = name + "($self, ";
    std::string lines;
    for (std::size_t index = 0; index < parameters.size(); ++index) {
        const Parameter &parameter = parameters[index];
        if (parameter.kind != Parameter::Kind::kCountOut) {
            signature += python_name(parameter.name) + ", ";
            lines += "\n  " + python_name(parameter.name) + ": " + shown_type(parameter, counts[index]);
        }
    }
    return signature + "/)\n--\n\n" + plugin + "'s function, of whichever generation serves." +
           (is_blocking ? " Other Python threads run meanwhile." : "") + lines;
}

} // namespace hotgraft
