#include "errors.hpp"

#include <pybind11/pybind11.h>
#include <string_view>

namespace py = pybind11;

namespace hotgraft {

namespace {

// Plugin text may be any bytes: what is not UTF-8 is shown, never fatal.
py::object as_shown(std::string_view text) {
    return py::reinterpret_steal<py::object>(
        PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
}

// The core's sentences, one reason per line, as the list that `found` wants; lines of kToDo are the advice.
py::list reasons_of(std::string_view message, std::string *advice) {
    py::list reasons;
    for (std::size_t begin = 0; begin <= message.size();) {
        const std::size_t end = std::min(message.find('\n', begin), message.size());
        const std::string_view line = message.substr(begin, end - begin);
        if (line.substr(0, kToDo.size()) == kToDo) {
            *advice += (advice->empty() ? "" : "; ") + std::string(line.substr(kToDo.size()));
        } else if (!line.empty()) {
            reasons.append(as_shown(line));
        }
        begin = end + 1;
    }
    return reasons;
}

// The error says whom it is about by itself: "gain: generation 3: create answered …" → "create answered …".
std::string without_subject(const std::string &message, const std::string &subject) {
    const std::string head = subject + ": ";
    return !subject.empty() && message.compare(0, head.size(), head) == 0 ? message.substr(head.size()) : message;
}

} // namespace

const char *error_class_of(const Status &status, const Attempted &attempted) noexcept {
    switch (status.code()) {
    case Code::kOk:
    case Code::kInvalid:
        return "ValueError"; // misuse by the caller
    case Code::kMalformed:
        return "ImageError";
    case Code::kRefused:
        return attempted.refused;
    case Code::kIo:
        return "LoadError";
    case Code::kNoMemory:
        return "ResourceError";
    case Code::kTimedOut:
        return attempted.timed_out;
    case Code::kPlugin:
        return "PluginError";
    case Code::kAbandoned:
        return "PluginAbandoned";
    case Code::kBusy:
        return "Busy";
    case Code::kStuck:
        return "LoadError";
    case Code::kForked:
        return "ForkedHostError";
    case Code::kWrongStage:
        return "LifecycleError";
    case Code::kBackpressure:
        return "Backpressure";
    }
    return "HotgraftError";
}

void check(const Status &status, const Attempted &attempted) {
    if (status.is_ok()) {
        return;
    }
    if (status.code() == Code::kInvalid) {
        throw py::value_error("could not " + std::string(attempted.tried) + ": " + status.message());
    }
    const py::object kind = py::module_::import("hotgraft.core.errors").attr(error_class_of(status, attempted));
    py::dict answers;
    answers["on"] = attempted.on;
    std::string advice;
    answers["found"] = reasons_of(without_subject(status.message(), attempted.on), &advice);
    if (advice.empty() && status.code() == Code::kMalformed) {
        advice = "the file is damaged or was not written whole: build it again, or copy it again";
    }
    answers["advice"] = as_shown(advice);
    if (*attempted.function != '\0' && (status.code() == Code::kPlugin || status.code() == Code::kAbandoned)) {
        answers["function"] = attempted.function;
    }
    const py::object error = kind(attempted.tried, **answers);
    PyErr_SetObject(kind.ptr(), error.ptr());
    throw py::error_already_set();
}

} // namespace hotgraft
