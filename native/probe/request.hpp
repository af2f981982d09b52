// What a probe is asked to do, as the host wrote it.
//
// The text of a request is records, a record is fields, and a field is `<length>:<bytes>`; in front of its fields a
// record says how many they are: `3;6:import5:codec7:codec/1`. So a config or a block of state is any bytes at all.
#ifndef HOTGRAFT_PROBE_REQUEST_HPP
#define HOTGRAFT_PROBE_REQUEST_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sha256.hpp"
#include "status.hpp"

namespace hotgraft {

// How far the candidate is brought.
enum class ProbeReach : std::uint8_t { kCreate, kStart };

// An interface that an instance shall offer, and the place it is published in: a name that imports refer to.
struct ProbeInterface {
    std::string id;
    std::uint32_t version = 0;
    std::uint32_t declared_bytes = 0;
    std::string place;
};

// The copy of what is alive in the host: nothing, a block, or saved values.
enum class ProbeState : std::uint8_t { kFresh, kBlock, kValues };

// A pointer of the state: in which block (0: its own), at which byte, to which.
struct ProbeLink {
    std::uint64_t block = 0;
    std::uint64_t offset = 0;
    std::uint64_t target = 0;
};

struct ProbeInstance {
    std::string name;
    std::string config_json;
    std::vector<ProbeInterface> interfaces;
    ProbeState state = ProbeState::kFresh;
    std::uint64_t layout_id = 0; // of the block
    std::string block;
    std::vector<std::string> pointed; // the blocks that it leads to, number 1 first
    std::vector<ProbeLink> links;
    bool may_write = false;                                          // to the block
    std::uint32_t schema = 0;                                        // of the values
    std::string values;                                              // MessagePack (keyed_state.hpp)
    std::vector<std::pair<std::uint32_t, std::uint32_t>> converters; // of the candidate, that the values go over first
    bool is_discarded = false;                                       // those are only tried: the instance begins fresh
};

struct ProbeImport {
    std::string id;
    std::string place;
};

// A staged copy to map.
struct ProbeLibrary {
    std::string plugin;
    std::uint64_t generation = 0;
    std::string version;
    std::string source;
    std::string path;
    Sha256Digest sha256{};
    std::vector<ProbeImport> imports;
    std::vector<ProbeInstance> instances;
};

struct ProbeRequest {
    std::int32_t parent = 0; // the process that waits for this one
    std::uint64_t memory_bytes = 0;
    std::uint64_t fds = 0;
    std::uint64_t cpu_s = 0;
    ProbeReach reach = ProbeReach::kStart;
    std::vector<ProbeLibrary> libraries; // providers first, the candidate last
};

// kInvalid: it is none, at which byte.
[[nodiscard]] Status read_request(std::string_view text, ProbeRequest *out);

} // namespace hotgraft

#endif // HOTGRAFT_PROBE_REQUEST_HPP
