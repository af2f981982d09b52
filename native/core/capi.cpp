// The C API: the same steps as any other engine, under plain names. It adds no rules of its own.
#include <hotgraft_core.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capi_boundary.hpp"
#include "gate.hpp"
#include "host_import.hpp"
#include "image.hpp"
#include "meter.hpp"
#include "meter_rate.hpp"
#include "prepare.hpp"
#include "reclaim.hpp"
#include "swap.hpp"

// A replaceable unit with one instance. Its slots stay for its whole life; imports point into them.
struct hotgraft_core_plugin {
    std::string name;
    std::string folder;
    std::vector<std::shared_ptr<hotgraft::Slot>> slots;
    std::vector<std::pair<std::string, hotgraft::Slot *>> imports; // by id; slots of other plugins
    std::mutex mutex;                                              // guards what follows: one change at a time
    std::shared_ptr<hotgraft::Generation> active;
    std::uint64_t last_number = 0;
};

namespace {

using hotgraft::after;
using hotgraft::check_size;
using hotgraft::check_there;
using hotgraft::Code;
using hotgraft::copy_text;
using hotgraft::first_of;
using hotgraft::guarded;
using hotgraft::Status;

std::string hex_text(std::string_view bytes) {
    static const char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += kDigits[value >> 4];
        text += kDigits[value & 15];
    }
    return text;
}

std::string folder_of(const std::string &path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash);
}

// "counter/1": the number behind the slash, as a table's version word; 0 when there is none.
std::uint32_t version_of(const std::string &id) {
    const std::size_t slash = id.rfind('/');
    std::uint32_t major = 0;
    for (std::size_t i = slash == std::string::npos ? id.size() : slash + 1; i < id.size(); ++i) {
        major = major * 10 + static_cast<std::uint32_t>(id[i] - '0');
    }
    return major << 16;
}

hotgraft::CandidateWish wish_for(const hotgraft_core_plugin &plugin, const char *image, const char *config_json,
                                 std::int64_t deadline_ns) {
    hotgraft::CandidateWish wish;
    wish.staging = {image, plugin.folder, plugin.name, plugin.last_number + 1};
    wish.imports = plugin.imports;
    wish.deadline_ns = deadline_ns;
    hotgraft::InstanceWish instance{"", config_json == nullptr ? "{}" : config_json, {}};
    for (const std::shared_ptr<hotgraft::Slot> &slot : plugin.slots) {
        hotgraft::InterfaceWish interface;
        interface.id = slot->name();
        interface.version = version_of(slot->name());
        instance.interfaces.emplace_back(slot, interface);
    }
    wish.instances.push_back(std::move(instance));
    return wish;
}

// All slots of one plugin, from what they hold to `next`, as one.
Status exchange(const std::vector<hotgraft::Slot *> &slots, const std::vector<const hotgraft_table *> &next,
                std::int64_t deadline_ns) {
    hotgraft::GateSet gates(slots);
    Status status = gates.close();
    if (status.is_ok()) {
        status = gates.drain(deadline_ns);
    }
    return status.is_ok() ? gates.publish(next) : status; // what fails reopens with the set
}

// The first generation: nobody is inside, and there is no state to carry.
Status publish_first(hotgraft_core_plugin &plugin, const hotgraft::Candidate &candidate, std::int64_t deadline_ns) {
    const std::shared_ptr<hotgraft::Generation> generation = candidate.generation;
    hotgraft::ControlThread control;
    Status status = control.run(
        "start", [generation] { return generation->start(0); }, deadline_ns);
    if (!status.is_ok()) {
        if (status.code() == Code::kAbandoned) {
            generation->mark_abandoned("start");
        }
        return status;
    }
    std::vector<hotgraft::Slot *> slots;
    std::vector<const hotgraft_table *> tables;
    for (const hotgraft::SlotMove &move : candidate.tables.front()) {
        slots.push_back(move.slot.get());
        tables.push_back(move.next);
    }
    status = exchange(slots, tables, deadline_ns);
    if (!status.is_ok()) {
        return status;
    }
    generation->mark_active();
    plugin.active = generation;
    hotgraft::tell_missed(generation);
    return {};
}

// What `kinds` took together, in nanoseconds.
std::uint64_t time_of(const hotgraft::SwapRecord &record, std::initializer_list<hotgraft::StepKind> kinds) {
    std::int64_t total_ns = 0;
    for (const hotgraft::StepRecord &step : record.steps) {
        if (std::find(kinds.begin(), kinds.end(), step.kind) != kinds.end()) {
            total_ns += step.end_ns - step.begin_ns;
        }
    }
    return static_cast<std::uint64_t>(total_ns);
}

Status replace(hotgraft_core_plugin &plugin, const hotgraft::Candidate &candidate, std::int64_t deadline_ns,
               hotgraft_core_report *report) {
    hotgraft::InstanceMove move;
    Status status = hotgraft::choose_state_way(*plugin.active, *candidate.generation, &move.way);
    if (!status.is_ok()) {
        return status;
    }
    hotgraft::SwapRequest request;
    request.members.push_back({plugin.active, candidate.generation, {move}, candidate.tables.front()});
    request.deadline_ns = deadline_ns;
    const hotgraft::SwapRecord record = hotgraft::run_swap(request);
    using Kind = hotgraft::StepKind;
    report->pause_ns = static_cast<std::uint64_t>(record.gates_open_ns - record.gates_closed_ns);
    report->publish_ns = time_of(record, {Kind::kCloseGates, Kind::kDrain, Kind::kPublish});
    report->transfer_ns = time_of(record, {Kind::kSurrender, Kind::kTake, Kind::kAttach, Kind::kSave, Kind::kRestore});
    if (!record.is_published) {
        return record.failure;
    }
    status = hotgraft::Reaper::instance().retire(plugin.active);
    plugin.active = candidate.generation;
    return status;
}

Status load(hotgraft_core_plugin &plugin, const char *image, const char *config_json, std::uint64_t deadline_ns,
            hotgraft_core_report *report) {
    if (hotgraft::Guards::instance().calling_thread_holds_any()) {
        return {Code::kBusy, plugin.name + ": a load asked for from inside a plugin's function would wait for itself"};
    }
    const std::lock_guard<std::mutex> lock(plugin.mutex);
    const std::int64_t began_ns = hotgraft::monotonic_ns();
    const std::int64_t until_ns = after(deadline_ns);
    report->struct_size = sizeof *report; // from here on there is something to report
    report->is_published = 0;
    report->generation = plugin.active == nullptr ? 0 : plugin.active->number();
    hotgraft::Candidate candidate;
    Status status = hotgraft::prepare(wish_for(plugin, image, config_json, until_ns), &candidate);
    ++plugin.last_number; // a number is used once, whatever became of it
    report->prepare_ns = static_cast<std::uint64_t>(hotgraft::monotonic_ns() - began_ns);
    if (status.is_ok()) {
        status = hotgraft::or_no_memory([&] {
            return plugin.active == nullptr ? publish_first(plugin, candidate, until_ns)
                                            : replace(plugin, candidate, until_ns, report);
        });
        if (plugin.active != candidate.generation) {
            hotgraft::drop_candidate(candidate);
        }
    }
    report->is_published = status.is_ok() ? 1 : 0;
    report->generation = plugin.active == nullptr ? 0 : plugin.active->number();
    return status;
}

Status close(hotgraft_core_plugin &plugin, std::uint64_t deadline_ns) {
    const std::lock_guard<std::mutex> lock(plugin.mutex);
    const std::int64_t until_ns = after(deadline_ns);
    std::vector<hotgraft::Slot *> slots;
    for (const std::shared_ptr<hotgraft::Slot> &slot : plugin.slots) {
        slots.push_back(slot.get());
    }
    if (plugin.active == nullptr) {
        return {};
    }
    Status status = exchange(slots, std::vector<const hotgraft_table *>(slots.size(), nullptr), until_ns);
    if (!status.is_ok()) {
        return status;
    }
    plugin.active->mark_held();
    return hotgraft::Reaper::instance().retire(std::move(plugin.active));
}

Status find_slot(const hotgraft_core_plugin &plugin, const char *id, hotgraft::Slot **out) {
    std::string offered;
    for (const std::shared_ptr<hotgraft::Slot> &slot : plugin.slots) {
        if (slot->name() == id) {
            *out = slot.get();
            return {};
        }
        offered += (offered.empty() ? "" : ", ") + slot->name();
    }
    return {Code::kInvalid, plugin.name + " has no interface \"" + id + "\"; it was opened with: " + offered};
}

// Of what serves; nothing does: all stays 0.
void read_meter_of(const hotgraft::Generation *serving, hotgraft_core_meter *meter) {
    if (serving == nullptr) {
        return;
    }
    meter->generation = serving->number();
    if (const std::shared_ptr<hotgraft::Meter> own = serving->meter(0)) {
        const hotgraft::MeterReading reading = own->read();
        meter->is_metered = reading.is_metered ? 1 : 0;
        meter->calls = reading.calls;
        meter->samples = reading.samples;
        meter->p50_ns = reading.percentile_ns(0.50);
        meter->p99_ns = reading.percentile_ns(0.99);
        meter->pushed_off = reading.pushed_off;
    }
}

} // namespace

const char *hotgraft_core_version(void) {
    return HOTGRAFT_VERSION;
}

hotgraft_core_code hotgraft_core_inspect(const char *path, hotgraft_core_image *facts, hotgraft_error *error) {
    const auto check = [=] {
        return first_of({check_there("path", path), check_there("facts", facts), check_size("facts", facts)});
    };
    return guarded(error, check, [path, facts] {
        hotgraft::ImageFacts image;
        Status status = hotgraft::inspect_image_file(path, &image);
        if (status.is_ok()) {
            facts->is_position_independent_executable = image.is_pie ? 1 : 0;
            copy_text(image.soname, facts->soname, sizeof(facts->soname));
            copy_text(hex_text(image.build_id), facts->build_id, sizeof(facts->build_id));
            facts->exported_count = image.exported.size();
            facts->needed_count = image.needed.size();
            facts->descriptor_len = image.descriptor ? image.descriptor->bytes : 0;
            facts->refusal_count = 0;
            for (const hotgraft::Finding &finding : hotgraft::find_needs(image, folder_of(path))) {
                facts->refusal_count += finding.severity == hotgraft::Severity::kRefusal ? 1 : 0;
            }
        }
        return status;
    });
}

hotgraft_core_code hotgraft_core_open(const char *name, const char *folder, const char *const *interfaces,
                                      uint64_t count, hotgraft_core_plugin **plugin, hotgraft_error *error) {
    const auto check = [=] {
        return first_of({check_there("name", name), check_there("folder", folder), check_there("plugin", plugin),
                         check_there("interfaces", interfaces)});
    };
    return guarded(error, check, [=]() -> Status {
        auto opened = std::make_unique<hotgraft_core_plugin>();
        opened->name = name;
        opened->folder = folder;
        for (std::uint64_t i = 0; i < count; ++i) {
            opened->slots.push_back(std::make_shared<hotgraft::Slot>(interfaces[i]));
        }
        *plugin = opened.release();
        return {};
    });
}

hotgraft_core_code hotgraft_core_load(hotgraft_core_plugin *plugin, const char *image, const char *config_json,
                                      uint64_t deadline_ns, hotgraft_core_report *report, hotgraft_error *error) {
    hotgraft_core_report filled{};
    const auto check = [=] {
        return first_of({check_there("plugin", plugin), check_there("image", image),
                         check_size("report", report, offsetof(hotgraft_core_report, publish_ns))});
    };
    const hotgraft_core_code code =
        guarded(error, check, [=, &filled] { return load(*plugin, image, config_json, deadline_ns, &filled); });
    if (report != nullptr && filled.struct_size != 0) {
        filled.struct_size = report->struct_size;
        std::memcpy(report, &filled, std::min<std::size_t>(report->struct_size, sizeof filled));
    }
    return code;
}

hotgraft_core_code hotgraft_core_require(hotgraft_core_plugin *plugin, const char *id, hotgraft_core_plugin *provider,
                                         const char *interface, hotgraft_error *error) {
    const auto check = [=] {
        return first_of({check_there("plugin", plugin), check_there("id", id), check_there("provider", provider),
                         check_there("interface", interface)});
    };
    return guarded(error, check, [=]() -> Status {
        hotgraft::Slot *slot = nullptr;
        Status status = find_slot(*provider, interface, &slot);
        if (slot != nullptr) {
            plugin->imports.emplace_back(id, slot);
        }
        return status;
    });
}

hotgraft_core_code hotgraft_core_import(hotgraft_core_plugin *plugin, const char *id, hotgraft_import *import,
                                        hotgraft_error *error) {
    const auto check = [=] {
        return first_of({check_there("plugin", plugin), check_there("id", id), check_there("import", import),
                         check_size("import", import)});
    };
    return guarded(error, check, [=]() -> Status {
        hotgraft::Slot *slot = nullptr;
        Status status = find_slot(*plugin, id, &slot);
        if (slot != nullptr) {
            hotgraft::fill_host_import(*slot, import);
        }
        return status;
    });
}

hotgraft_core_code hotgraft_core_unloaded(hotgraft_core_plugin *plugin, uint64_t wait_ns, uint64_t *proven,
                                          uint64_t *stuck, char *reason, uint64_t reason_size) {
    const auto check = [=] {
        return first_of({check_there("plugin", plugin), check_there("proven", proven), check_there("stuck", stuck)});
    };
    return guarded(nullptr, check, [=] {
        hotgraft::Reaper &reaper = hotgraft::Reaper::instance();
        Status status = reaper.wait_idle(after(wait_ns));
        *proven = reaper.proven_count(plugin->name);
        *stuck = 0;
        for (const hotgraft::Reclaimed &one : reaper.stuck()) {
            if (one.plugin != plugin->name) {
                continue;
            }
            ++*stuck;
            if (reason != nullptr && reason_size != 0) {
                copy_text(one.proof.reason, reason, reason_size);
            }
        }
        return status;
    });
}

hotgraft_core_code hotgraft_core_read_meter(hotgraft_core_plugin *plugin, hotgraft_core_meter *meter,
                                            hotgraft_error *error) {
    const auto check = [=] {
        return first_of({check_there("plugin", plugin), check_there("meter", meter),
                         check_size("meter", meter, offsetof(hotgraft_core_meter, pushed_off))});
    };
    return guarded(error, check, [=]() -> Status {
        hotgraft_core_meter filled = {meter->struct_size, 0, 0, 0, 0, 0, 0, 0};
        {
            const std::lock_guard<std::mutex> lock(plugin->mutex);
            read_meter_of(plugin->active.get(), &filled);
        }
        std::memcpy(meter, &filled, std::min<std::size_t>(meter->struct_size, sizeof filled));
        return {};
    });
}

hotgraft_core_code hotgraft_core_set_sampling(uint32_t per_second, hotgraft_error *error) {
    const auto check = [=] {
        return per_second <= hotgraft::kMostPerSecond
                   ? Status()
                   : Status(Code::kInvalid, "per_second is " + std::to_string(per_second) + ": at most " +
                                                std::to_string(hotgraft::kMostPerSecond));
    };
    return guarded(error, check, [=]() -> Status {
        hotgraft::Meters::instance().set_sampling(per_second);
        return {};
    });
}

hotgraft_core_code hotgraft_core_close(hotgraft_core_plugin *plugin, uint64_t deadline_ns, hotgraft_error *error) {
    const auto check = [=] { return check_there("plugin", plugin); };
    const hotgraft_core_code code = guarded(error, check, [=] { return close(*plugin, deadline_ns); });
    if (code == HOTGRAFT_CORE_OK) {
        delete plugin;
    }
    return code;
}
