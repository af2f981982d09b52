// The body for every other signature: arguments go to their places in a register file, one call takes them all.
#include "call_bodies.hpp"
#include "call_buffer.hpp"
#include "call_convert.hpp"
#include "call_guarded.hpp"
#include "call_invoke.hpp"
#include "crash.hpp"
#include "guard.hpp"

#include <cassert>
#include <type_traits>

namespace hotgraft {
namespace {

// All that one call needs beside its arguments.
struct Frame {
    RegisterFile registers;
    Py_buffer view[kMaxParameters]; // of those that are buffers
    std::size_t considered = 0;     // views before this one may be released
    std::uint64_t count_out = 0;    // what a kCountOut parameter points to
};

Word *word_at(RegisterFile &registers, const Parameter &parameter) {
    return reinterpret_cast<Word *>(reinterpret_cast<char *>(&registers) + parameter.place);
}

// Places that the function does not declare are passed too: they hold zeroes, never something of ours. Piece by piece:
// one large block would become a string instruction, which costs more than the call.
inline void clear_surplus(Reach reach, RegisterFile &registers) {
    std::memset(registers.integer, 0, sizeof(registers.integer));
    if (reach == Reach::kRegisters || reach == Reach::kAll) {
        std::memset(registers.real, 0, sizeof(registers.real));
    }
    if (reach == Reach::kIntegersAndFewWords) {
        std::memset(registers.stack, 0, RegisterFile::kFewStackWords * sizeof(Word));
    }
    if (reach == Reach::kAll) {
        std::memset(registers.stack, 0, sizeof(registers.stack));
    }
}

// Rubbish above a narrow integer.
void dirty(const Parameter &parameter, Word *word) {
    if (parameter.kind == Parameter::Kind::kInteger && parameter.type.bytes < 8) {
        const unsigned bits = 8 * parameter.type.bytes;
        *word = (*word & ~(~Word{0} << bits)) | (Word{0xA5A5A5A5A5A5A5A5u} << bits);
    }
}

inline bool take(const Function &function, const Parameter &parameter, PyObject *argument, Word *word, Frame &frame,
                 std::size_t index) {
    if (__builtin_expect(parameter.kind == Parameter::Kind::kInteger, 1)) {
        return take_integer(function, parameter, argument, word);
    }
    if (parameter.kind == Parameter::Kind::kBuffer) {
        frame.considered = index + 1;
        return hold_buffer(function, parameter, argument, word, frame.view[index]);
    }
    return take_real(function, parameter, argument, word);
}

// In a declaration's order, so `considered` tells which views are initialised.
bool are_long_enough(const Function &function, Frame &frame) {
    for (std::size_t index = 0; index < frame.considered; ++index) {
        const Parameter &parameter = function.parameters[index];
        if (parameter.kind == Parameter::Kind::kBuffer) {
            const Word count =
                parameter.counted_by >= 0
                    ? *word_at(frame.registers, function.parameters[static_cast<std::size_t>(parameter.counted_by)])
                    : parameter.count;
            if (!check_length(function, parameter, frame.view[index], count)) {
                return false;
            }
        }
    }
    return true;
}

// `args` is moved past all of them, which costs no register that is not there already.
template <bool IsDirty> inline bool take_all(const Function &function, PyObject *const *&args, Frame &frame) {
    const Parameter *parameter = function.parameters.data();
    const Parameter *const end = parameter + function.parameters.size();
    for (std::size_t index = 0; parameter != end; ++parameter, ++index) {
        Word *const word = word_at(frame.registers, *parameter);
        if (__builtin_expect(parameter->kind == Parameter::Kind::kCountOut, 0)) {
            *word = reinterpret_cast<Word>(&frame.count_out);
            continue;
        }
        assert(args != nullptr); // without arguments every parameter is a kCountOut: run() counted them
        if (__builtin_expect(!take(function, *parameter, *args++, word, frame, index), 0)) {
            return false;
        }
        if constexpr (IsDirty) {
            dirty(*parameter, word);
        }
    }
    return !function.has_buffers || are_long_enough(function, frame);
}

void release(const Function &function, Frame &frame) {
    for (std::size_t index = 0; index < frame.considered; ++index) {
        if (function.parameters[index].kind == Parameter::Kind::kBuffer) {
            let_go(frame.view[index]);
        }
    }
}

inline Returned invoke(const Function &function, const void *offered_function, const RegisterFile &registers) {
    return function.reach == Reach::kIntegers ? invoke_integers(offered_function, registers)
                                              : invoke_further(offered_function, registers, function.reach);
}

bool is_pointer(Result::Kind kind) {
    return kind >= Result::Kind::kText;
}

// What the guarded part of a call came to.
struct Came {
    enum class How { kRefused, kNotOffered, kReturned, kCrashed } how;
    std::uint64_t generation;
    Returned returned;
    TakenPointer pointer;
    PyObject *const *args; // of kRefused: there is need of them again
};

// What a call that is not caught comes to besides: nothing, and it costs nothing.
struct NoCrash {};

// One call that may crash, for call_catching().
struct MayCrash {
    const Cell &cell;
    const void *function;
    Frame &frame;
    Returned *returned;
};

void invoke_that_may_crash(void *context) {
    const MayCrash &it = *static_cast<MayCrash *>(context);
    *it.returned = invoke(*it.cell.function, it.function, it.frame.registers);
}

// With or without the GIL; nothing in here needs it. `args`: as take_all() left them.
template <class Crash>
inline void call_inside(const Cell &cell, PyObject *const *args, Frame &frame, Came &came,
                        [[maybe_unused]] Crash &crash) {
    hotgraft_guard guard;
    const hotgraft_table *const table = enter(cell, &guard);
    if (__builtin_expect(table == nullptr, 0)) {
        came.how = Came::How::kRefused;
        came.args = args - cell.function->arguments;
        return;
    }
    came.generation = table->generation;
    const void *const function = function_in(table, cell);
    if (is_stub(function)) {
        came.how = Came::How::kNotOffered;
        hotgraft_leave(&guard);
        return;
    }
    frame.registers.integer[0] = reinterpret_cast<Word>(table->self);
    came.how = Came::How::kReturned;
    if constexpr (std::is_same_v<Crash, CaughtCrash>) {
        MayCrash it{cell, function, frame, &came.returned};
        if (!call_catching(function, &invoke_that_may_crash, &it, &crash)) {
            came.how = Came::How::kCrashed;
            Meters::instance().of(table)->count_error();
            Meters::instance().of(table)->count_crash();
            Guards::instance().leave(table); // and guards that the plugin took and did not give up
            return;
        }
    } else {
        came.returned = invoke(*cell.function, function, frame.registers);
    }
    if (is_pointer(cell.function->result.kind)) {
        take_pointer(*cell.function, table, frame.registers, reinterpret_cast<const void *>(came.returned.word),
                     frame.count_out, came.pointer);
        if (came.pointer.fault == TakenPointer::Fault::kBadCount) {
            Meters::instance().of(table)->count_error();
        }
    } else {
        note_error(cell, table, came.returned);
    }
    hotgraft_leave(&guard);
}

PyObject *box(const Cell &cell, Came &came) {
    if (__builtin_expect(came.how == Came::How::kRefused, 0)) {
        return refused(cell, came.args);
    }
    if (__builtin_expect(came.how == Came::How::kNotOffered, 0)) {
        return not_offered(cell, came.generation);
    }
    return is_pointer(cell.function->result.kind) ? box_pointer(cell, came.pointer, came.generation)
                                                  : box_scalar(cell, came.returned, came.generation);
}

// With the arguments in place: a result that is a pointer is taken care of inside the guard, a scalar is boxed after
// it.
template <bool IsBlocking, bool IsCaught> inline PyObject *call(const Cell &cell, PyObject *const *args, Frame &frame) {
    if (!IsBlocking && !IsCaught && __builtin_expect(!is_pointer(cell.function->result.kind), 1)) {
        return call_guarded<Returns::kOther, kTaken>(cell, args, [&cell, &frame](const void *function, void *self) {
            frame.registers.integer[0] = reinterpret_cast<Word>(self);
            return invoke(*cell.function, function, frame.registers);
        });
    }
    Came came;
    std::conditional_t<IsCaught, CaughtCrash, NoCrash> crash;
    if constexpr (IsBlocking) {
        PyThreadState *const state = PyEval_SaveThread();
        call_inside(cell, args, frame, came, crash);
        attach(state);
    } else {
        call_inside(cell, args, frame, came, crash);
    }
    if constexpr (IsCaught) {
        if (came.how == Came::How::kCrashed) {
            return plugin_crashed(cell, came.generation, crash);
        }
    }
    return box(cell, came);
}

template <bool IsDirty, bool IsBlocking, bool IsCaught = false>
inline PyObject *run(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    const Function &function = *cell.function;
    if (__builtin_expect(count != static_cast<Py_ssize_t>(function.arguments), 0)) {
        return wrong_argument_count(cell, count);
    }
    Frame frame;
    clear_surplus(function.reach, frame.registers);
    PyObject *const result = __builtin_expect(take_all<IsDirty>(function, args, frame), 1)
                                 ? call<IsBlocking, IsCaught>(cell, args, frame)
                                 : nullptr;
    if (function.has_buffers) {
        release(function, frame);
    }
    return result;
}

} // namespace

PyObject *run_any(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    return run<false, false>(cell, args, count);
}

PyObject *run_any_of_one(const Cell &cell, PyObject *argument) {
    return run<false, false>(cell, &argument, 1);
}

PyObject *run_any_of_none(const Cell &cell) {
    return run<false, false>(cell, nullptr, 0);
}

PyObject *run_blocking(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    return run<false, true>(cell, args, count);
}

PyObject *run_caught(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    return run<false, false, true>(cell, args, count);
}

PyObject *run_caught_blocking(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    return run<false, true, true>(cell, args, count);
}

PyObject *run_dirty(const Cell &cell, PyObject *const *args, Py_ssize_t count) {
    return run<true, false>(cell, args, count);
}

} // namespace hotgraft
