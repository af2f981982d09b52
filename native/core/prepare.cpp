#include "prepare.hpp"

#include "needs_posix.hpp"
#include "reclaim.hpp"

namespace hotgraft {

namespace {

// Map and create. Runs plugin code: on a control thread.
Status map_and_create(const CandidateWish &wish, Generation &generation) {
    Status status = generation.map();
    if (!status.is_ok()) {
        return status;
    }
    for (const auto &[id, slot] : wish.imports) {
        status = generation.bind_import(id, slot);
        if (!status.is_ok()) {
            return status;
        }
    }
    for (const InstanceWish &instance : wish.instances) {
        status = generation.create_instance(instance.name, instance.config_json);
        if (!status.is_ok()) {
            return status;
        }
    }
    return {};
}

// Ask for every interface of every instance. Runs plugin code (get_interface): on a control thread.
Status make_tables(const CandidateWish &wish, Generation &generation, std::vector<std::vector<SlotMove>> *out) {
    std::vector<std::vector<SlotMove>> tables(wish.instances.size());
    for (std::size_t i = 0; i < wish.instances.size(); ++i) {
        for (const auto &[slot, interface] : wish.instances[i].interfaces) {
            InterfaceWish padded = interface;
            padded.padded_bytes = slot->padded_bytes();
            SlotMove move{slot, nullptr};
            Status status = generation.make_table(i, padded, &move.next);
            if (!status.is_ok()) {
                return status;
            }
            tables[i].push_back(std::move(move));
        }
    }
    *out = std::move(tables);
    return {};
}

} // namespace

std::vector<Finding> find_needs(const ImageFacts &facts, const std::string &folder) {
    static ProviderCache *const cache =
        new ProviderCache(); // never destroyed: a thread may load while the process ends
    return check_needs(facts, cache->gather(facts, folder));
}

Status check_image_needs(const Generation &generation) {
    const std::string &path = generation.staged().path;
    const std::string reasons = describe_refusals(find_needs(generation.facts(), path.substr(0, path.rfind('/'))));
    return reasons.empty() ? Status() : Status(Code::kRefused, reasons);
}

Status bring_up(const CandidateWish &wish, const std::shared_ptr<Generation> &generation, ControlThread &control,
                Candidate *out) {
    Status status = or_no_memory([&]() -> Status {
        const auto tables = std::make_shared<std::vector<std::vector<SlotMove>>>();
        Status made = control.run(
            "load",
            [wish, generation, tables] {
                const Status created = map_and_create(wish, *generation);
                return created.is_ok() ? make_tables(wish, *generation, tables.get()) : created;
            },
            wish.deadline_ns);
        if (made.is_ok()) {
            *out = {generation, std::move(*tables)};
        }
        return made;
    });
    if (status.is_ok()) {
        return {};
    }
    if (status.code() == Code::kAbandoned) {
        generation->mark_abandoned("load");
    } else {
        drop_candidate({generation, {}});
    }
    return status;
}

Status prepare(const CandidateWish &wish, Candidate *out) {
    std::shared_ptr<Generation> generation;
    Status status = or_no_memory([&] { return Generation::make(wish.staging, &generation); });
    if (!status.is_ok()) {
        return status;
    }
    status = or_no_memory([&] {
        const Status needs = check_image_needs(*generation);
        return needs.is_ok() ? needs : Status(needs.code(), generation->label() + ": " + needs.message());
    });
    if (!status.is_ok()) {
        (void)generation->reject();
        return status;
    }
    ControlThread control;
    return bring_up(wish, generation, control, out);
}

Status choose_state_way(const Generation &old_generation, const Generation &next, StateWay *way) {
    const bool has_state = old_generation.can_hand_over() || old_generation.can_save() || old_generation.can_share();
    if (!has_state || old_generation.can_make_sessions()) { // who chooses here makes no sessions
        *way = StateWay::kNone;
        return {};
    }
    // The same bytes under another schema mean something else: only restore, which is told the schema, may read them.
    const bool is_same_block =
        old_generation.layout_id() == next.layout_id() && old_generation.state_schema() == next.state_schema();
    if (old_generation.can_share() && next.can_share() && is_same_block) {
        *way = StateWay::kShare;
        return {};
    }
    if (old_generation.can_hand_over() && next.can_hand_over() && is_same_block) {
        *way = StateWay::kHandOver;
        return {};
    }
    if (old_generation.can_save() && next.can_restore()) {
        *way = StateWay::kSaveRestore;
        return {};
    }
    return {Code::kRefused,
            next.label() + " would lose the state of " + old_generation.label() + ": " +
                (next.state_schema() == 0 ? "it has no state"
                 : next.can_hand_over() && old_generation.can_hand_over()
                     ? "the layouts or schemas of their state differ, and save and restore are not offered by both"
                     : "neither hand over nor save and restore is offered by both")};
}

void drop_candidate(const Candidate &candidate) {
    Generation &generation = *candidate.generation;
    if (generation.is_abandoned()) {
        return;
    }
    if (generation.library() == nullptr) {
        (void)generation.reject();
        return;
    }
    generation.mark_failed();
    (void)Reaper::instance().retire(candidate.generation);
}

} // namespace hotgraft
