// From a file to a candidate that waits at the gate: stage, inspect, check its needs, map, create, make its tables.
//
// Everything here happens while the old generation serves; any failure leaves nothing behind but a sentence. The steps
// can be run one at a time by an engine that puts others in between (a contract, a probe), or all at once by prepare().
#ifndef HOTGRAFT_CORE_PREPARE_HPP
#define HOTGRAFT_CORE_PREPARE_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "control.hpp"
#include "generation.hpp"
#include "needs.hpp"
#include "slot.hpp"
#include "status.hpp"
#include "swap.hpp"

namespace hotgraft {

// One instance a candidate shall have, and the slot that each of its interfaces is going to be published in.
struct InstanceWish {
    std::string name;
    std::string config_json;
    std::vector<std::pair<std::shared_ptr<Slot>, InterfaceWish>> interfaces;
};

struct CandidateWish {
    StagingWish staging;
    std::vector<InstanceWish> instances;
    std::vector<std::pair<std::string, Slot *>> imports; // by id
    std::int64_t deadline_ns = 0;
};

// A generation that is created and not started, and where its tables belong: by instance, then in the wish's order.
struct Candidate {
    std::shared_ptr<Generation> generation;
    std::vector<std::vector<SlotMove>> tables;
};

// What the file alone shows against loading it from `folder` into this process: refusals first, then warnings.
// Remembers what it read of the libraries it needs.
[[nodiscard]] std::vector<Finding> find_needs(const ImageFacts &facts, const std::string &folder);

// The refusals among them, one line each, or Ok.
[[nodiscard]] Status check_image_needs(const Generation &generation);

// Map the image and make its instances and tables, on `control`. On failure the generation is failed (or abandoned) and
// on its way to the reaper; *out is untouched.
[[nodiscard]] Status bring_up(const CandidateWish &wish, const std::shared_ptr<Generation> &generation,
                              ControlThread &control, Candidate *out);

// All of it: Generation::make, check_image_needs, bring_up.
[[nodiscard]] Status prepare(const CandidateWish &wish, Candidate *out);

// How state crosses from one generation to another, tried in the order of DESIGN §7: hand over where both name the same
// layout, else save and restore where one can save and the other restore. kRefused: the state would be lost.
[[nodiscard]] Status choose_state_way(const Generation &old_generation, const Generation &next, StateWay *way);

// Drop a candidate that was brought up and is not going to be published.
void drop_candidate(const Candidate &candidate);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_PREPARE_HPP
