// One function of a plugin as the call path sees it: where each argument goes, what it may be, what comes back.
//
// Made once per call type from the descriptor's dicts; constant from then on. Everything that can be decided before a
// call is decided here, so that a call only follows it.
//
// Invariants
//   (1) `place` of every parameter lies inside RegisterFile and no two parameters share one.
//   (2) A count names a scalar integer parameter, or is a number; never both.
#ifndef HOTGRAFT_BINDINGS_CALL_FUNCTION_HPP
#define HOTGRAFT_BINDINGS_CALL_FUNCTION_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hotgraft {

// What a SysV x86-64 call hands over, in the order of the argument classes: `self` is integer[0]. A float lies in the
// low half of its word.
struct RegisterFile {
    static constexpr std::size_t kIntegers = 6;
    static constexpr std::size_t kReals = 8;
    static constexpr std::size_t kStackWords = 16;
    static constexpr std::size_t kFewStackWords = 4;

    std::uint64_t integer[kIntegers];
    double real[kReals];
    std::uint64_t stack[kStackWords];
};

inline constexpr std::size_t kMaxParameters =
    RegisterFile::kIntegers - 1 + RegisterFile::kReals + RegisterFile::kStackWords;

enum class Scalar : std::uint8_t { kSigned, kUnsigned, kReal };

// A type as the descriptor names it. Structs and void have `is_scalar` false.
struct ElementType {
    std::string name;        // "f32", "pair", "void"
    std::uint32_t bytes = 0; // of one element; 1 for void
    std::uint32_t align = 1; // what the address must be a multiple of
    Scalar scalar = Scalar::kUnsigned;
    bool is_scalar = false;
};

// The struct-module letter of an item of that type ('f' for f32), 0 for structs and void.
char item_format(const ElementType &type);

struct Parameter {
    static constexpr char kNoFormat = '\1'; // begins no format
    enum class Kind : std::uint8_t {
        kInteger,
        kFloat32,
        kFloat64,
        kBuffer,
        kCountOut, // where a leased result says its number of elements: not an argument in Python
    };
    // What every call reads lies within one cache line.
    std::int64_t low = 0;    // kInteger: smallest value
    std::uint64_t span = 0;  // kInteger: largest minus smallest; 2^63-1 for u64: what is above goes the long way
    std::uint16_t place = 0; // byte offset in RegisterFile
    Kind kind = Kind::kInteger;
    bool is_signed = false;
    bool is_nullable = false;        // kBuffer, and kInteger that is an address: None is NULL
    char format = kNoFormat;         // kBuffer: struct-module letter of an item when nothing is unusual
    std::int32_t request = 0;        // kBuffer: PyBUF_* flags
    std::int32_t counted_by = -1;    // kBuffer: index of the parameter that counts its elements; -1: `count`
    std::uint64_t count = 1;         // kBuffer: elements
    std::uint64_t element_bytes = 0; // kBuffer
    std::uint64_t misalignment = 0;  // kBuffer: bits of an address that must be zero

    bool is_written = false; // the buffer must be writable
    ElementType type;
    std::string name;
};

struct Result {
    enum class Kind : std::uint8_t {
        kStatus,
        kVoid,
        kSigned,
        kUnsigned,
        kFloat32,
        kFloat64,
        kText,
        kOwnedText,
        kOwned,
        kLeased
    };
    Kind kind = Kind::kVoid;
    std::uint8_t shift = 0;       // 64 minus the bits of an integer
    std::int32_t counted_by = -1; // kOwned, kLeased: index of the parameter; -1: `count`
    std::uint64_t count = 1;
    ElementType type;
};

// How results that most functions have are boxed, without asking what kind they are.
enum class Returns : std::uint8_t { kInt64, kReal64, kStatus, kOther };

// Which of the C function types of call_invoke.hpp takes the arguments: the fewest that are enough.
enum class Reach : std::uint8_t { kIntegers, kIntegersAndFewWords, kRegisters, kAll };

struct Function {
    std::string plugin;
    std::string name;
    std::string doc;                   // "add($self, a, b, /)\n--\n\n…", as inspect.signature wants it
    std::vector<Parameter> parameters; // in the order of the C declaration
    Result result;
    std::uint32_t interface_index = 0;
    std::uint32_t table_offset = 0; // bytes from the table's head to the pointer
    std::uint32_t arguments = 0;    // in Python: parameters less the kCountOut ones
    std::uint32_t stack_words = 0;  // used
    bool has_reals = false;
    bool has_buffers = false;
    Reach reach = Reach::kIntegers;
    bool is_blocking = false;
    bool is_caught = false; // a crash in the plugin's code raises (crash.hpp)
    bool is_dirty = false;  // seam: the high bits of narrow arguments are left as rubbish

    [[nodiscard]] Returns returns() const;
    [[nodiscard]] Reach least_reach() const;
    [[nodiscard]] std::uint32_t count_arguments() const;
    // Its first line is what inspect.signature reads (CPython, Objects/typeobject.c, find_signature). `counts`: of each
    // parameter, as written.
    [[nodiscard]] std::string describe(const std::vector<std::string> &counts) const;
    // May `other` be called in its place: same offset, same parameters, same result?
    [[nodiscard]] bool is_same_call(const Function &other) const;
};

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_FUNCTION_HPP
