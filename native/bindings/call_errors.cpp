#include "call_errors.hpp"

#include <array>
#include <cstring>

#include <hotgraft/status.h>

#include "call_retype.hpp"
#include "call_wait.hpp"
#include "guard.hpp"
#include "record.hpp"

namespace hotgraft {
namespace {

enum ErrorClass : std::size_t {
    kPlugin,
    kBusy,
    kClosed,
    kPinExpired,
    kCrashed,
    kBackpressure,
    kUnavailable,
    kErrorClasses
};
constexpr std::array<const char *, kErrorClasses> kNames = {
    {"plugin", "busy", "closed", "pin_expired", "crashed", "backpressure", "unavailable"}};
std::array<PyObject *, kErrorClasses> classes_by_name = {}; // references for the life of the process

// Each class takes (tried, *, on, found, advice, running) as HotgraftError does.
struct Answers {
    std::string tried;
    std::string on;
    std::string found;
    std::string advice;
    std::string running;
};

bool put(PyObject *keywords, const char *key, PyObject *value) {
    const bool is_put = value != nullptr && PyDict_SetItemString(keywords, key, value) == 0;
    Py_XDECREF(value);
    return is_put;
}

bool put(PyObject *keywords, const char *key, const std::string &value) {
    return put(keywords, key, PyUnicode_DecodeUTF8(value.data(), static_cast<Py_ssize_t>(value.size()), "replace"));
}

// The exception object; extra keywords may be in `keywords` already, which is taken over.
PyObject *make(ErrorClass which, const Answers &answers, PyObject *keywords) {
    PyObject *made = nullptr;
    PyObject *args = Py_BuildValue("(s)", answers.tried.c_str());
    if (classes_by_name[which] == nullptr) {
        PyErr_Format(PyExc_RuntimeError, "%s: could not %s: %s (set_call_errors was never called)", answers.on.c_str(),
                     answers.tried.c_str(), answers.found.c_str());
    } else if (args != nullptr && keywords != nullptr && put(keywords, "on", answers.on) &&
               put(keywords, "found", answers.found) && put(keywords, "advice", answers.advice) &&
               put(keywords, "running", answers.running)) {
        made = PyObject_Call(classes_by_name[which], args, keywords);
    }
    Py_XDECREF(args);
    Py_XDECREF(keywords);
    return made;
}

PyObject *raise(PyObject *exception) {
    if (exception != nullptr) {
        PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(exception)), exception);
        Py_DECREF(exception);
    }
    return nullptr;
}

std::string serves(std::uint64_t generation) {
    return generation == 0 ? "its fallback answers" : "generation " + std::to_string(generation) + " serves";
}

std::string status_name(std::int32_t status) {
    switch (status) {
    case HOTGRAFT_E_FAILED:
        return "HOTGRAFT_E_FAILED";
    case HOTGRAFT_E_UNSUPPORTED:
        return "HOTGRAFT_E_UNSUPPORTED";
    case HOTGRAFT_E_INVALID:
        return "HOTGRAFT_E_INVALID";
    case HOTGRAFT_E_STATE_VERSION:
        return "HOTGRAFT_E_STATE_VERSION";
    case HOTGRAFT_E_CANCELLED:
        return "HOTGRAFT_E_CANCELLED";
    case HOTGRAFT_E_NOMEM:
        return "HOTGRAFT_E_NOMEM";
    case HOTGRAFT_E_BACKPRESSURE:
        return "HOTGRAFT_E_BACKPRESSURE";
    case HOTGRAFT_E_UNAVAILABLE:
        return "HOTGRAFT_E_UNAVAILABLE";
    default:
        return "unknown, to be taken as HOTGRAFT_E_FAILED";
    }
}

PyObject *plugin_error(const Cell &cell, std::int32_t code, std::uint64_t generation, const std::string &found) {
    const Function &function = *cell.function;
    PyObject *keywords = PyDict_New();
    if (keywords != nullptr &&
        (!put(keywords, "code", PyLong_FromLong(code)) || !put(keywords, "function", function.name))) {
        Py_CLEAR(keywords);
    }
    PyObject *made = make(kPlugin, {"call " + function.name, function.plugin, found, "", serves(generation)}, keywords);
    PyObject *number = PyLong_FromUnsignedLongLong(generation);
    if (made != nullptr && (number == nullptr || PyObject_SetAttrString(made, "generation", number) != 0)) {
        Py_CLEAR(made);
    }
    Py_XDECREF(number);
    return raise(made);
}

// The table is a fallback's, and it declares no answer for this function.
PyObject *unavailable(const Cell &cell) {
    const Function &function = *cell.function;
    const CallObject &object = *cell.object;
    const bool is_told = object.refusal == CallRefusal::kUnavailable && object.sentence != nullptr;
    PyObject *keywords = PyDict_New();
    if (keywords != nullptr && !put(keywords, "function", function.name)) {
        Py_CLEAR(keywords);
    }
    const Answers answers{"call " + function.name, function.plugin,
                          is_told ? *object.sentence : "it has no usable generation", "", ""};
    return raise(make(kUnavailable, answers, keywords));
}

} // namespace

PyObject *set_call_errors(PyObject *, PyObject *classes) {
    std::array<PyObject *, kErrorClasses> found = {};
    for (std::size_t index = 0; index < kErrorClasses; ++index) {
        found[index] = PyDict_Check(classes) ? PyDict_GetItemString(classes, kNames[index]) : nullptr;
        if (found[index] == nullptr || !PyExceptionClass_Check(found[index])) {
            PyErr_Format(PyExc_TypeError, "set_call_errors takes a dict of exception classes; \"%s\" is not there",
                         kNames[index]);
            return nullptr;
        }
    }
    for (std::size_t index = 0; index < kErrorClasses; ++index) {
        Py_XSETREF(classes_by_name[index], Py_NewRef(found[index]));
    }
    Py_RETURN_NONE;
}

PyObject *no_table(const Cell &cell) {
    const Function &function = *cell.function;
    const CallObject &object = *cell.object;
    if (object.refusal == CallRefusal::kUnavailable) { // who answered in its place is gone, and nobody else does yet
        return unavailable(cell);
    }
    const std::string sentence = object.sentence != nullptr ? *object.sentence : "";
    Answers answers{"call " + function.name, function.plugin, sentence, "", ""};
    const bool is_session = object.refusal == CallRefusal::kSessionEnded;
    if (is_session || object.refusal == CallRefusal::kPinExpired) {
        answers.advice = is_session ? "open another session" : "pin again";
        return raise(make(kPinExpired, answers, PyDict_New()));
    }
    if (sentence.empty()) {
        answers.found = object.refusal == CallRefusal::kClosed ? "the host is closed" : "no generation of it is loaded";
    }
    return raise(make(kClosed, answers, PyDict_New()));
}

PyObject *gone(const Cell &cell, std::uint64_t generation) {
    const std::string serving =
        generation != 0 ? "generation " + std::to_string(generation) + ", which serves, does not offer it: " : "";
    PyErr_Format(PyExc_AttributeError, "%s: could not call %s: %sthe plugin no longer has it",
                 cell.function->plugin.c_str(), cell.function->name.c_str(), serving.c_str());
    return nullptr;
}

PyObject *busy(const Cell &cell, const std::string &found) {
    const Answers answers{"call " + cell.function->name, cell.function->plugin, found, "call when the swap is over",
                          ""};
    return raise(make(kBusy, answers, PyDict_New()));
}

PyObject *refused(const Cell &cell, PyObject *const *args) {
    if (cell.table_offset == 0) {
        return call_anew(cell, args);
    }
    switch (last_outcome()) {
    case Outcome::kGated:
        return gated();
    case Outcome::kRaised:
        return nullptr;
    case Outcome::kRefused:
        break;
    }
    const Status why = Guards::instance().last_refusal();
    if (why.code() == Code::kNoMemory) {
        return PyErr_NoMemory();
    }
    if (why.code() == Code::kBackpressure) {
        const ThreadRecord &root = *own_chain()->root;
        return turned_away(*cell.function, Slot::from_words(cell.import.slot), why.message(), root.refused_waiting);
    }
    if (why.code() == Code::kBusy) {
        return busy(cell, why.message());
    }
    return call_emptied(cell, args);
}

PyObject *not_offered(const Cell &cell, std::uint64_t generation) {
    if (generation == 0) { // no generation's: a fallback's
        return unavailable(cell);
    }
    PyErr_Format(PyExc_AttributeError, "%s: could not call %s: generation %llu, which serves, does not offer it",
                 cell.function->plugin.c_str(), cell.function->name.c_str(),
                 static_cast<unsigned long long>(generation));
    return nullptr;
}

PyObject *turned_away(const Function &function, const Slot &slot, const std::string &found, std::uint32_t waiting) {
    PyObject *keywords = PyDict_New();
    if (keywords != nullptr &&
        (!put(keywords, "function", function.name) || !put(keywords, "waiting", PyLong_FromUnsignedLong(waiting)) ||
         !put(keywords, "limit", PyLong_FromUnsignedLong(slot.queue().limit())))) {
        Py_CLEAR(keywords);
    }
    const Answers answers{"call " + function.name, function.plugin, found, "",
                          serves(slot.generation()) + " until the swap is over"};
    return raise(make(kBackpressure, answers, keywords));
}

PyObject *plugin_failed(const Cell &cell, std::int32_t status, std::uint64_t generation) {
    return plugin_error(cell, status, generation,
                        "it returned " + std::to_string(status) + " (" + status_name(status) + ")");
}

PyObject *plugin_crashed(const Cell &cell, std::uint64_t generation, const CaughtCrash &crash) {
    const Function &function = *cell.function;
    PyObject *keywords = PyDict_New();
    if (keywords != nullptr && (!put(keywords, "function", function.name) || !put(keywords, "signal", crash.signal))) {
        Py_CLEAR(keywords);
    }
    const std::string found = std::string(crash.signal) + " in " + crash.where + ": " + crash.found;
    const Answers answers{"call " + function.name, function.plugin, found,
                          "mend it, and start the process anew: what the crash left half done is unknown",
                          serves(generation) + ", tainted"};
    return raise(make(kCrashed, answers, keywords));
}

PyObject *plugin_misbehaved(const Cell &cell, std::uint64_t generation, const std::string &found) {
    return plugin_error(cell, HOTGRAFT_E_FAILED, generation, found);
}

PyObject *wrong_argument_count(const Cell &cell, Py_ssize_t count) {
    const Function &function = *cell.function;
    std::string names;
    for (const Parameter &parameter : function.parameters) {
        if (parameter.kind != Parameter::Kind::kCountOut) {
            names += (names.empty() ? "" : ", ") + parameter.name;
        }
    }
    PyErr_Format(PyExc_TypeError, "%s.%s takes %u arguments (%s), got %zd", function.plugin.c_str(),
                 function.name.c_str(), function.arguments, names.c_str(), count);
    return nullptr;
}

} // namespace hotgraft
