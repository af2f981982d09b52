// ConverterDesk: where the swap's own thread asks a thread of Python's to run converters, and waits for the answer no
// longer than its deadline. Neither ever holds what the other waits for: what crosses is copies.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "control_held.hpp"
#include "control_parts.hpp"
#include "converters.hpp"
#include "errors.hpp"
#include "gate.hpp"
#include "layout.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

// MessagePack, as copy_values gives it.
py::bytes bytes_of(const KeyedState &state) {
    py::bytes made = make_bytes(nullptr, state.bytes());
    state.copy_to(PyBytes_AS_STRING(made.ptr()));
    return made;
}

// Throws StateError for what no saved state may hold.
KeyedState keyed_of(const py::bytes &values) {
    const std::string_view given = values;
    KeyedState state;
    check(state.read(given.data(), given.size()), {"convert its state", "", "StateError"});
    return state;
}

// Thread safety
//   ask(): the swap's thread, without the GIL. The rest: any thread, with it; wait() lets go of it.
//
// Invariants
//   (1) Nobody waits for the GIL with the mutex held.
//   (2) Once given up, an answer changes nothing, and no library's converter is begun.
class ConverterDesk {
public:
    ConverterDesk() = default;
    ConverterDesk(const ConverterDesk &) = delete;
    ConverterDesk &operator=(const ConverterDesk &) = delete;
    // A mark that its thread did not take off is of a thread that is not this one: better lost than taken off another.
    ~ConverterDesk() { (void)mark_.release(); }

    Status ask(LooseState from, std::int64_t deadline_ns, std::uint64_t swap, LooseState *to) {
        std::unique_lock<std::mutex> lock(mutex_);
        if (is_given_up_) {
            return {Code::kTimedOut, inside_ + " has not returned from before"};
        }
        asked_ = std::move(from);
        swap_ = swap;
        turn_ = Turn::kAsked;
        changed_.notify_all();
        const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(deadline_ns)};
        if (!changed_.wait_until(lock, until, [this] { return turn_ == Turn::kAnswered; })) {
            return give_up();
        }
        turn_ = Turn::kIdle;
        *to = std::move(answer_);
        return std::move(status_);
    }

    // A block and those that it leads to, or saved values alone; None: there is nothing more to do.
    py::object wait() {
        LooseState from;
        bool is_over = false;
        {
            const py::gil_scoped_release unlocked;
            std::unique_lock<std::mutex> lock(mutex_);
            changed_.wait(lock, [this] { return turn_ == Turn::kAsked || is_closed_ || is_given_up_; });
            is_over = turn_ != Turn::kAsked || is_given_up_;
            from = std::move(asked_);
            if (!is_over) {
                turn_ = Turn::kAtWork;
                inside_ = "the thread of converters";
                mark_ = std::make_unique<CarriesOut>(swap_);
            }
        }
        if (is_over) {
            return py::none();
        }
        py::list loose;
        for (const std::vector<unsigned char> &block : from.blocks) {
            loose.append(make_bytes(block.data(), block.size()));
        }
        if (!takes_blocks) {
            loose.append(bytes_of(from.values));
        }
        return std::move(loose);
    }

    void begin(std::string what) {
        const std::lock_guard<std::mutex> lock(mutex_);
        inside_ = std::move(what);
    }

    void answer(LooseState made) { end({}, std::move(made)); }
    void refuse(const std::string &why) { end({Code::kRefused, why}, {}); }

    // A library's own converter, on this thread, which lets go of the GIL.
    py::bytes run(const std::shared_ptr<Generation> &generation, std::uint32_t from_schema, std::uint32_t to_schema,
                  const py::bytes &values) {
        const KeyedState from = keyed_of(values);
        KeyedState to;
        Status status;
        {
            const py::gil_scoped_release unlocked;
            status = enter(generation)
                         ? or_no_memory([&] { return generation->convert(from_schema, to_schema, from, &to); })
                         : Status(Code::kTimedOut, "given up");
            (void)enter(nullptr);
        }
        check(status, {"convert its state", generation->label(), "StateError"});
        return bytes_of(to);
    }

    // The thread of converters is at its end.
    void forget_swap() noexcept { mark_.reset(); }

    void close() {
        const std::lock_guard<std::mutex> lock(mutex_);
        is_closed_ = true;
        changed_.notify_all();
    }

    // The program tries converters on copies of its own, and waits no longer.
    std::string leave() {
        const std::lock_guard<std::mutex> lock(mutex_);
        (void)give_up();
        return inside_;
    }

    bool is_at_work() {
        const std::lock_guard<std::mutex> lock(mutex_);
        return turn_ == Turn::kAtWork || is_given_up_;
    }

    bool takes_blocks = false;

private:
    enum class Turn { kIdle, kAsked, kAtWork, kAnswered };

    // With the mutex.
    Status give_up() {
        is_given_up_ = true;
        changed_.notify_all();
        if (library_ != nullptr) {
            library_->mark_abandoned("a converter");
        }
        return {Code::kTimedOut, inside_ + " has not returned by the deadline"};
    }

    bool enter(const std::shared_ptr<Generation> &generation) {
        const std::lock_guard<std::mutex> lock(mutex_);
        library_ = generation;
        return !is_given_up_;
    }

    void end(Status status, LooseState made) {
        mark_.reset();
        const std::lock_guard<std::mutex> lock(mutex_);
        if (is_given_up_ || turn_ != Turn::kAtWork) {
            return;
        }
        status_ = std::move(status);
        answer_ = std::move(made);
        turn_ = Turn::kAnswered;
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    Turn turn_ = Turn::kIdle;
    bool is_given_up_ = false;
    bool is_closed_ = false;
    std::string inside_ = "the thread of converters"; // what the thread is doing
    std::shared_ptr<Generation> library_;             // whose converter it is in
    LooseState asked_;
    LooseState answer_;
    Status status_;
    std::uint64_t swap_ = 0;
    std::unique_ptr<CarriesOut> mark_; // of the thread of converters, and touched by it alone
};

std::shared_ptr<StateConverters> asked_at(const std::shared_ptr<ConverterDesk> &desk, bool to_block,
                                          std::uint32_t to_schema) {
    auto made = std::make_shared<StateConverters>();
    made->from_block = desk->takes_blocks;
    made->to_block = to_block;
    made->to_schema = to_schema;
    made->run = [desk](LooseState from, std::int64_t deadline_ns, std::uint64_t swap, LooseState *to) {
        return desk->ask(std::move(from), deadline_ns, swap, to);
    };
    return made;
}

std::shared_ptr<StateConverters>
natives_of(const std::vector<std::tuple<std::shared_ptr<Generation>, std::uint32_t, std::uint32_t>> &steps) {
    std::vector<ConverterStep> chain;
    chain.reserve(steps.size());
    for (const auto &[generation, from_schema, to_schema] : steps) {
        chain.push_back({generation, from_schema, to_schema});
    }
    const py::gil_scoped_release unlocked;
    return native_converters(std::move(chain));
}

} // namespace

void add_converters(py::module_ &module) {
    const py::class_<StateConverters, std::shared_ptr<StateConverters>> converters(module, "StateConverters");

    py::class_<ConverterDesk, std::shared_ptr<ConverterDesk>>(module, "ConverterDesk")
        .def_static(
            "make",
            [](bool takes_blocks) {
                auto desk = std::make_shared<ConverterDesk>();
                desk->takes_blocks = takes_blocks;
                return held(std::move(desk));
            },
            py::kw_only(), py::arg("takes_blocks"))
        .def("wait", &ConverterDesk::wait)
        .def("begin", &ConverterDesk::begin, py::arg("what"))
        .def("answer_blocks",
             [](ConverterDesk &it, const std::vector<py::bytes> &blocks) {
                 LooseState made;
                 for (const py::bytes &block : blocks) {
                     const auto data = static_cast<std::string_view>(block);
                     made.blocks.emplace_back(data.begin(), data.end());
                 }
                 it.answer(std::move(made));
             })
        .def("answer_values",
             [](ConverterDesk &it, const py::bytes &values) {
                 LooseState made;
                 made.values = keyed_of(values);
                 it.answer(std::move(made));
             })
        .def("refuse", &ConverterDesk::refuse, py::arg("why"))
        .def("run", &ConverterDesk::run, py::arg("generation"), py::arg("from_schema"), py::arg("to_schema"),
             py::arg("values"))
        // For a member whose blocks, or saved values, are converted by whoever waits here.
        .def(
            "converters",
            [](const std::shared_ptr<ConverterDesk> &desk, bool to_block, std::uint32_t to_schema,
               std::shared_ptr<CopyProgram> old_walk, std::shared_ptr<CopyProgram> next_walk) {
                std::shared_ptr<StateConverters> made = asked_at(desk, to_block, to_schema);
                made->old_walk = std::move(old_walk);
                made->next_walk = std::move(next_walk);
                return held(std::move(made));
            },
            py::kw_only(), py::arg("to_block"), py::arg("to_schema"), py::arg("old_walk") = nullptr,
            py::arg("next_walk") = nullptr)
        .def_property_readonly("is_at_work", &ConverterDesk::is_at_work)
        .def("forget_swap", &ConverterDesk::forget_swap)
        .def("leave", &ConverterDesk::leave)
        .def("close", &ConverterDesk::close);

    // The way over libraries' own converters alone, from saved values to values to restore.
    module.def(
        "native_converters",
        [](const std::vector<std::tuple<std::shared_ptr<Generation>, std::uint32_t, std::uint32_t>> &steps) {
            return held(natives_of(steps));
        },
        py::arg("steps"));
}

} // namespace hotgraft
