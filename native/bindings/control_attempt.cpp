// Attempt: the steps of one load or swap that run a plugin's own control functions, each on a control thread with a
// deadline. A step that does not return is abandoned with everything it can reach (control.hpp).
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <memory>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "control_held.hpp"
#include "control_parts.hpp"
#include "control_time.hpp"
#include "errors.hpp"
#include "gate.hpp"

namespace py = pybind11;

namespace hotgraft {

namespace {

// A slot that an import leads to must outlive the library, and a library may be stuck: it stays for the process.
void keep_for_good(std::shared_ptr<Slot> slot) {
    // Never destroyed, guarded by the GIL.
    static auto *const kept = new std::vector<std::shared_ptr<Slot>>();
    kept->push_back(std::move(slot));
}

bool is_loader(const std::string &function) {
    return function == "map";
}

class Attempt {
public:
    explicit Attempt(std::shared_ptr<Generation> generation) : generation_(std::move(generation)) {}

    void map(double deadline_s) {
        run("map", deadline_s, [it = generation_] { return it->map(); });
    }

    void bind_import(const std::string &id, const std::shared_ptr<Slot> &slot) {
        check(generation_->bind_import(id, slot.get()), {"bind its import", generation_->label()});
        keep_for_good(slot);
    }

    // Lead it to nobody until it is bound; `slot` is what it will lead to.
    void bind_to_nobody(const std::string &id, const std::shared_ptr<Slot> &slot) {
        keep_for_good(slot);
        check(generation_->bind_import(id, nullptr), {"bind its import", generation_->label()});
    }

    std::size_t create(const std::string &name, const std::string &config_json, double deadline_s) {
        const auto index = std::make_shared<std::size_t>(0);
        run("create", deadline_s, [it = generation_, name, config_json, index] {
            return it->create_instance(name, config_json, index.get());
        });
        return *index;
    }

    // Values of a state that a save of `schema` put, as MessagePack. Before start.
    void restore(std::size_t index, std::uint32_t schema, const py::bytes &values, double deadline_s) {
        const std::string_view given = values;
        const auto saved = std::make_shared<KeyedState>();
        check(saved->read(given.data(), given.size()), {"restore its state", generation_->label(), "StateError"});
        run(
            "restore", deadline_s,
            [it = generation_, index, schema, saved] { return it->restore(index, schema, *saved); }, "StateError");
    }

    void start(std::size_t index, double deadline_s) {
        run("start", deadline_s, [it = generation_, index] { return it->start(index); });
    }

    // Not published and not used again: quiesce what was started, before it is dropped.
    void stop(std::size_t index, double deadline_s) {
        run("quiesce", deadline_s, [it = generation_, index, deadline_ns = deadline_in(deadline_s)] {
            bool is_again = true;
            Status status;
            while (status.is_ok() && is_again && monotonic_ns() < deadline_ns) {
                status = it->quiesce(index, deadline_ns, &is_again);
            }
            return status.is_ok() && is_again ? Status(Code::kTimedOut, "quiesce still answers \"again\"") : status;
        });
    }

    OwnedTable make_table(std::size_t index, const std::string &id, const std::shared_ptr<Slot> &slot,
                          std::uint32_t version, std::uint32_t declared_bytes, double deadline_s) {
        const auto table = std::make_shared<const hotgraft_table *>(nullptr);
        const InterfaceWish wish{id, version, declared_bytes, slot->padded_bytes()};
        run(
            "get_interface", deadline_s,
            [it = generation_, index, wish, table] { return it->make_table(index, wish, table.get()); },
            "ContractError");
        note_table(*table, generation_);
        return {generation_, slot, *table};
    }

    // One for each name, in one go. Those that were made before one that fails go with their generation.
    std::vector<std::size_t> create_sessions(std::size_t instance, const std::vector<std::string> &names,
                                             double deadline_s) {
        const auto made = std::make_shared<std::vector<std::size_t>>();
        run("create_session", deadline_s, [it = generation_, instance, names, made] {
            made->reserve(names.size());
            for (const std::string &name : names) {
                std::size_t index = 0;
                if (Status status = it->create_session(instance, name, &index); !status.is_ok()) {
                    return status;
                }
                made->push_back(index);
            }
            return Status();
        });
        return *made;
    }

    // One for each session and its slot.
    std::vector<OwnedTable>
    make_session_tables(const std::vector<std::pair<std::size_t, std::shared_ptr<Slot>>> &places, const std::string &id,
                        std::uint32_t version, std::uint32_t declared_bytes, double deadline_s) {
        const auto made = std::make_shared<std::vector<const hotgraft_table *>>(places.size());
        run(
            "get_interface", deadline_s,
            [it = generation_, places, id, version, declared_bytes, made] {
                for (std::size_t i = 0; i < places.size(); ++i) {
                    const InterfaceWish wish{id, version, declared_bytes, places[i].second->padded_bytes()};
                    if (Status status = it->make_table(places[i].first, wish, &(*made)[i]); !status.is_ok()) {
                        return status;
                    }
                }
                return Status();
            },
            "ContractError");
        std::vector<OwnedTable> tables;
        for (std::size_t i = 0; i < places.size(); ++i) {
            note_table((*made)[i], generation_);
            tables.push_back({generation_, places[i].second, (*made)[i]});
        }
        return tables;
    }

    // Nobody comes into its slots any more; once nobody is inside it is destroyed, with its tables.
    void close_session(std::size_t index, const std::vector<OwnedTable> &tables, double rest_s, double deadline_s) {
        Status status;
        {
            const py::gil_scoped_release unlocked;
            std::vector<Slot *> slots;
            std::vector<const hotgraft_table *> held;
            for (const OwnedTable &table : tables) {
                slots.push_back(table.slot.get());
                held.push_back(table.table);
            }
            GateSet gates(slots, held);
            status = gates.close();
            Status drained = status.is_ok() ? gates.drain(deadline_in(rest_s)) : Status();
            if (status.is_ok() && !drained.is_ok()) {
                status = gates.skip_drain(); // whoever is inside is left there, and the session with them
            }
            if (status.is_ok()) {
                status = gates.publish(std::vector<const hotgraft_table *>(slots.size(), nullptr));
            }
            if (status.is_ok()) {
                status = std::move(drained);
            }
        }
        check(status, {"end a session", generation_->label(), "LoadError", "DrainTimeout"});
        for (const OwnedTable &table : tables) {
            forget_table(table.table);
        }
        run("destroy_session", deadline_s, [it = generation_, index] { return it->destroy_session(index); });
    }

    // Those that nobody can come into: their tables are in no slot, and nobody is inside them.
    void drop_sessions(const std::vector<std::size_t> &indexes, const std::vector<OwnedTable> &tables,
                       double deadline_s) {
        if (generation_->is_abandoned()) {
            return; // its thread may be inside one of them
        }
        for (const OwnedTable &table : tables) {
            forget_table(table.table);
        }
        run("destroy_session", deadline_s, [it = generation_, indexes] {
            for (const std::size_t index : indexes) {
                if (Status status = it->destroy_session(index); !status.is_ok()) {
                    return status;
                }
            }
            return Status();
        });
    }

private:
    void run(const char *function, double deadline_s, std::function<Status()> work, const char *refused = "LoadError") {
        Status status;
        {
            const py::gil_scoped_release unlocked;
            status = control_.run(function, std::move(work), deadline_in(deadline_s));
            if (status.code() == Code::kAbandoned) {
                generation_->mark_abandoned(function);
            }
        }
        const std::string tried = "run its " + std::string(function);
        check(status, {is_loader(function) ? "load the library" : tried.c_str(), generation_->label(), refused,
                       "SwapTimeout", function});
    }

    std::shared_ptr<Generation> generation_;
    ControlThread control_;
};

} // namespace

void add_attempt(py::module_ &module) {
    py::class_<OwnedTable>(module, "Table").def_property_readonly("slot", [](const OwnedTable &it) {
        return held(it.slot);
    });

    py::class_<Attempt>(module, "Attempt")
        // Not by init: what pybind11 notes of a new object after its __init__ it notes outside of its try, and a failed
        // request for memory there ends the process.
        .def_static(
            "of",
            [](std::shared_ptr<Generation> generation) {
                return held(std::make_unique<Attempt>(std::move(generation)));
            },
            py::arg("generation"))
        .def("map", &Attempt::map, py::arg("deadline_s"))
        .def("bind_import", &Attempt::bind_import, py::arg("interface"), py::arg("slot"))
        .def("bind_to_nobody", &Attempt::bind_to_nobody, py::arg("interface"), py::arg("slot"))
        .def("create", &Attempt::create, py::arg("name"), py::arg("config_json"), py::arg("deadline_s"))
        .def("restore", &Attempt::restore, py::kw_only(), py::arg("index"), py::arg("schema"), py::arg("values"),
             py::arg("deadline_s"))
        .def("start", &Attempt::start, py::arg("index"), py::arg("deadline_s"))
        .def("stop", &Attempt::stop, py::arg("index"), py::arg("deadline_s"))
        .def("create_sessions", &Attempt::create_sessions, py::arg("instance"), py::arg("names"), py::arg("deadline_s"))
        .def("make_session_tables", &Attempt::make_session_tables, py::arg("places"), py::kw_only(),
             py::arg("interface"), py::arg("version"), py::arg("declared_bytes"), py::arg("deadline_s"))
        .def("close_session", &Attempt::close_session, py::arg("index"), py::arg("tables"), py::kw_only(),
             py::arg("rest_s"), py::arg("deadline_s"))
        .def("drop_sessions", &Attempt::drop_sessions, py::arg("indexes"), py::arg("tables"), py::arg("deadline_s"))
        .def("make_table", &Attempt::make_table, py::kw_only(), py::arg("index"), py::arg("interface"), py::arg("slot"),
             py::arg("version"), py::arg("declared_bytes"), py::arg("deadline_s"));
}

} // namespace hotgraft
