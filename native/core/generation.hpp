// One loaded version of a plugin: its staged copy, its library, its instances, and the order in which all of that is
// made and taken down.
//
// Everything here that runs plugin code runs it on the calling thread: call map, create_instance and the plugin calls
// from a ControlThread, and take a shared_ptr into the work. If that work is abandoned, say so with mark_abandoned():
// from then on nothing of the generation is ever freed.
//
// What it does not do: decide whether a candidate is acceptable, or when to publish, retire or reclaim it.
#ifndef HOTGRAFT_CORE_GENERATION_HPP
#define HOTGRAFT_CORE_GENERATION_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <hotgraft/hotgraft.h>

#include "converters.hpp"
#include "crash_images.hpp"
#include "generation_entry.hpp"
#include "generation_pins.hpp"
#include "health_check.hpp"
#include "image.hpp"
#include "keyed_state.hpp"
#include "library.hpp"
#include "lifecycle.hpp"
#include "meter.hpp"
#include "notify.hpp"
#include "residue.hpp"
#include "services.hpp"
#include "shared_block.hpp"
#include "slot.hpp"
#include "staging.hpp"
#include "status.hpp"
#include "table.hpp"

namespace hotgraft {

class CopyProgram;

// State on its way between two generations: host memory, owned by whoever holds this.
struct Block {
    void *data = nullptr;
    std::uint64_t bytes = 0;
    std::uint64_t layout_id = 0;
};

// An interface as the descriptor declares it, and what its table needs.
struct InterfaceWish {
    std::string id;                   // "gain/1"
    std::uint32_t version = 0;        // major << 16 | minor
    std::uint32_t declared_bytes = 0; // of the struct, by the descriptor; 0: as the struct itself says
    std::uint32_t padded_bytes = 0;   // Slot::padded_bytes(), or 0
};

// Sessions are numbered from here on, instances from 0.
inline constexpr std::size_t kFirstSession = std::size_t{1} << 32;

// What a plugin imports, read from its table after map.
struct ImportNeed {
    std::string id;    // "codec"
    std::string range; // "^1.2"
    bool is_optional = false;
    bool is_bound = false;
};

// An instance that wants to be told of its imports.
struct InstanceNotices {
    std::size_t index = 0;
    std::shared_ptr<Notices> notices;
};

// Thread safety
//   stage(), number(), plugin(), label(), facts(), staged(), pins, leases, live_bytes(): any thread.
//   Everything that runs plugin code, and close: one thread at a time (the attempt's control thread).
//
// Invariants
//   (1) The stage moves only as lifecycle.hpp says.
//   (2) A library with an instance that was not destroyed, or with a table that may be held, is never closed.
//   (3) Once abandoned, nothing that the abandoned call can reach is freed.
//   (4) Tables, host tables and config texts live until the library's unloading is proven.
class Generation : public std::enable_shared_from_this<Generation> {
public:
    // Copy, hash and inspect: seen → staged → inspected. The descriptor must be there (C06).
    [[nodiscard]] static Status make(const StagingWish &wish, std::shared_ptr<Generation> *out);
    // The same for a staged copy that another process made and keeps, for a probe: nothing is copied or deleted.
    [[nodiscard]] static Status borrow(const StagingWish &wish, const std::string &path, const Sha256Digest &sha256,
                                       std::shared_ptr<Generation> *out);
    Generation(const Generation &) = delete;
    Generation &operator=(const Generation &) = delete;
    ~Generation();

    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] const std::string &plugin() const noexcept { return plugin_; }
    [[nodiscard]] std::string label() const; // "gain: generation 3"
    [[nodiscard]] Stage stage() const noexcept { return stage_.load(std::memory_order_acquire); } // pairs with advance
    [[nodiscard]] const std::string &source() const noexcept { return source_; }                  // as it was asked for
    [[nodiscard]] const Staged &staged() const noexcept { return staged_; }
    [[nodiscard]] const ImageFacts &facts() const noexcept { return facts_; }
    // The descriptor's JSON; valid while this lives.
    [[nodiscard]] std::string_view descriptor() const noexcept;

    // Take one step of the lifecycle, as one compare-and-swap; kWrongStage if it is none, or if somebody was faster.
    [[nodiscard]] Status advance(Event event);
    // Rollback's one compare-and-swap: held → active. kWrongStage: it was retired first, or is kept for good.
    [[nodiscard]] Status recall();
    void mark_active() noexcept; // published: ready, trial → active, or held → active
    void mark_held() noexcept;   // replaced: active, draining, quiesced → held
    void mark_failed() noexcept; // dropped after its code ran
    // The control thread did not come back from `what`: stuck, kept for good.
    void mark_abandoned(const char *what) noexcept;
    [[nodiscard]] bool is_abandoned() const noexcept;
    // Turned down before any of its code ran: the staged copy is deleted.
    [[nodiscard]] Status reject();

    // --- plugin code, on the caller's thread ---

    // What its author calls it, for a crash report. Before map.
    void note_version(std::string version) { version_ = std::move(version); }

    // inspected | accepted | probed → mapped: residents, dlopen, entry, entry table, extensions, imports.
    [[nodiscard]] Status map();
    // Its two halves, for who wants to know which of them did not come back: dlopen, then the plugin's own tables.
    [[nodiscard]] Status map_library();
    [[nodiscard]] Status read_tables();

    // After map and before the first create_instance. kInvalid: no such import, or already bound. NULL: to a slot that
    // never holds a table, until it is bound once more, at any time: whoever calls until then finds nobody there.
    [[nodiscard]] std::vector<ImportNeed> imports() const;
    [[nodiscard]] Status bind_import(const std::string &id, Slot *slot);

    // Make one instance with its own config (a JSON object), host table and log name. mapped, created → created;
    // active: one more; held: one that takes over from the one that served.
    // kInvalid names every import that is not optional and has no slot. kPlugin: create answered an error, or no
    // instance: → failed.
    [[nodiscard]] Status create_instance(const std::string &name, const std::string &config_json,
                                         std::size_t *index = nullptr);
    [[nodiscard]] std::size_t instance_count() const noexcept { return instances_.size(); }
    [[nodiscard]] const std::string &instance_name(std::size_t index) const;
    [[nodiscard]] std::vector<std::string> instance_names() const; // any thread, also while one is created

    // *is_again: the plugin is still busy and wants to be asked again.
    // Make one session of an instance; *index is its own from then on, for everything that takes an instance's below
    // but start, quiesce and resume. Any thread, one at a time for one generation, while calls go on.
    [[nodiscard]] Status create_session(std::size_t instance, const std::string &name, std::size_t *index);
    // Its tables go too: nobody is inside them any more, nor will be.
    [[nodiscard]] Status destroy_session(std::size_t index);
    [[nodiscard]] bool can_make_sessions() const noexcept { return session_.create != nullptr; }
    [[nodiscard]] std::size_t session_count() const; // live ones

    [[nodiscard]] Status quiesce(std::size_t index, std::int64_t deadline_ns, bool *is_again);
    [[nodiscard]] Status resume(std::size_t index);
    // The same after a rollback; an instance that was replaced without a gate has never stopped. `takes_kept`: it took
    // no block on its way back, and gets the one that was kept for it.
    [[nodiscard]] Status resume_recalled(std::size_t index, bool takes_kept);
    [[nodiscard]] Status start(std::size_t index);
    [[nodiscard]] Status save(std::size_t index, KeyedState *out);
    [[nodiscard]] Status restore(std::size_t index, std::uint32_t schema, const KeyedState &saved);
    // One of its own converters, from a copy into a copy; kRefused: it failed, with what it said. Any thread.
    [[nodiscard]] Status convert(std::uint32_t from_schema, std::uint32_t to_schema, const KeyedState &from,
                                 KeyedState *to) const;
    [[nodiscard]] Status surrender(std::size_t index, Block *out);
    [[nodiscard]] Status take(std::size_t index, const Block &block);
    // Undo surrender. Where take does not go well the block stays with the instance, in the host's hands.
    // `walk` finds what it leads to, nullptr: nothing; `pointed` is that, where it was found already.
    [[nodiscard]] Status give_back(std::size_t index, const Block &block,
                                   std::shared_ptr<const CopyProgram> walk = nullptr,
                                   const std::vector<void *> &pointed = {});
    // A surrender that was given up came back after all: what it gave is in the host's hands. Needs no memory.
    void keep_late(std::size_t index, const Block &block, std::shared_ptr<const CopyProgram> walk) noexcept;
    [[nodiscard]] bool is_away(std::size_t index) const noexcept; // its state is, or its thread is in resume
    // A swap is called off, and its gates are about to open again. If the instance holds still or lacks its state,
    // nothing of the generation may be called any more. `holds_still`: it was not asked to resume, because its thread
    // was given up, and whether that has come back since or not. Needs no memory.
    [[nodiscard]] bool lose_if_away(std::size_t index, bool holds_still = false) noexcept;
    // Why nothing of it may be called; empty: it may. Any thread.
    [[nodiscard]] std::string out_of_service() const;
    // A block for take, of this generation's layout, aligned to `align`; data nullptr: no memory.
    [[nodiscard]] Block make_block(std::uint64_t bytes, std::uint64_t align) const noexcept;
    // What an instance surrendered and somebody else works on a converted copy of: it is the instance's again if the
    // generation is recalled without taking another one, and goes when it does, or with the instance.
    // `pointed`: what it leads to goes with it.
    void keep_block(std::size_t index, const Block &block, std::vector<void *> pointed = {}) noexcept;
    void drop_kept_blocks() noexcept;
    // Blocks that are this generation's from now on, whoever made them.
    void bill(const std::vector<void *> &blocks) const noexcept;
    [[nodiscard]] Ledger *ledger() const noexcept { return books_->ledger; }
    // How large an instance's block may be, without asking for it: all that is alive, where that is one block, or as
    // it was when it last changed hands. 0: nobody knows.
    [[nodiscard]] std::uint64_t likely_block_bytes(std::size_t index) const noexcept;
    // The block that an instance uses together with others; nullptr: none yet. One that has none when it is started or
    // restored gets a fresh one.
    [[nodiscard]] std::shared_ptr<SharedBlock> shared_block(std::size_t index) const;
    [[nodiscard]] std::uint64_t shared_align() const noexcept { return shared_.align; } // that it needs; 0: shares none
    // Let an instance use it. On failure it uses what it used before.
    [[nodiscard]] Status attach(std::size_t index, const std::shared_ptr<SharedBlock> &block);
    // This generation is billed for what its instances share from now on.
    void bill_shared_blocks() noexcept;
    // HOTGRAFT_HEALTH_*; Ok as well where it offers no health extension. Of one that serves: health_check.hpp.
    [[nodiscard]] Status check_health(std::size_t index, std::uint32_t depth);
    [[nodiscard]] Status destroy(std::size_t index);

    // The plugin's own struct and self for `id`. kRefused: not offered, or its sizes or pointers lie (C03, C05).
    [[nodiscard]] Status interface(std::size_t index, const InterfaceWish &wish, const void **interface_struct,
                                   void **self);
    // The same, copied into a new table that this generation keeps. One for each publish (Table, rule 2).
    [[nodiscard]] Status make_table(std::size_t index, const InterfaceWish &wish, const hotgraft_table **out);
    // What counts the calls of an instance; all its tables share it. nullptr: it has no table yet.
    [[nodiscard]] std::shared_ptr<Meter> meter(std::size_t index) const;
    // Of all instances; nullptr: that one has no table yet. Any thread.
    [[nodiscard]] std::vector<std::shared_ptr<Meter>> meters() const;
    // All tables made so far: what the reaper scans the records for.
    [[nodiscard]] std::vector<const hotgraft_table *> tables() const;

    // --- state it can carry, from its state extension ---
    [[nodiscard]] std::uint32_t state_schema() const noexcept { // 0: no state
        return session_.schema != 0 ? session_.schema : shared_.schema != 0 ? shared_.schema : state_.schema;
    }
    [[nodiscard]] std::uint64_t layout_id() const noexcept { // of its block; 0: it has none that crosses
        return session_.schema != 0     ? session_.layout_id
               : shared_.layout_id != 0 ? shared_.layout_id
                                        : state_.layout_id;
    }
    // Of all calls, or of its sessions.
    [[nodiscard]] bool can_save() const noexcept { return state_.save != nullptr || session_.save != nullptr; }
    [[nodiscard]] bool can_restore() const noexcept { return state_.restore != nullptr || session_.restore != nullptr; }
    [[nodiscard]] bool can_hand_over() const noexcept {
        return (state_.take != nullptr || session_.take != nullptr) && layout_id() != 0;
    }

    [[nodiscard]] bool can_share() const noexcept { return shared_.attach != nullptr; }

    [[nodiscard]] const std::vector<ConverterRow> &converters() const noexcept { return converters_; }

    [[nodiscard]] bool has_health() const noexcept { return check_health_ != nullptr; }
    [[nodiscard]] HealthChecks &health_checks() noexcept { return health_checks_; }
    // What it offers to be called back by.
    [[nodiscard]] CallbackBook &callbacks() noexcept { return books_->callbacks; }
    // Of its instances; empty where it does not offer the notify extension. Any thread.
    [[nodiscard]] std::vector<InstanceNotices> notices() const;

    // --- what keeps it ---
    [[nodiscard]] Pins &pin_book() noexcept { return pins_; }
    [[nodiscard]] std::uint64_t pins() const noexcept { return pins_.count(); }
    [[nodiscard]] std::string pin_holders() const { return pins_.holders(); }
    void stop_pins() noexcept { pins_.stop(); }
    void allow_pins() noexcept { pins_.allow(); }
    [[nodiscard]] std::vector<Lease> leases() const;
    // For callers that keep something of its code or memory; 0: no memory.
    [[nodiscard]] std::uint64_t add_lease(const char *why) noexcept { return books_->leases.add({}, why); }
    void remove_lease(std::uint64_t number) noexcept { (void)books_->leases.remove(number); }
    [[nodiscard]] std::uint64_t live_bytes() const noexcept; // from the host's realloc, still alive

    // Whom its own threads are registered for: an instance of it, and any of them (ThreadOwner::generation).
    [[nodiscard]] ThreadOwner thread_owner(std::size_t index) const;
    [[nodiscard]] std::uint64_t thread_generation() const noexcept { return books_->thread_generation; }

    // Mapped library, nullptr before map and after the proof. For the unload sequence and reports.
    [[nodiscard]] Library *library() noexcept { return library_.get(); }
    [[nodiscard]] const ResidueBaseline *baseline() const noexcept { return baseline_.get(); }

private:
    friend class Unload;
    friend class Reaper;
    struct Instance;
    class Inside;
    static void drop_kept(Instance &instance) noexcept;
    static void drop_not_back(Instance &instance) noexcept;
    struct Kept;

    Generation(const StagingWish &wish, Staged staged, ImageFacts facts);
    [[nodiscard]] bool try_advance(Event event) noexcept;
    Status call_entry();
    Status find_extensions();
    Status add_missing_imports() const;
    Status instance_at(std::size_t index, Instance **out) const;
    Status complain(const char *what, const Instance &instance, hotgraft_status status,
                    const hotgraft_error &error) const;
    Status run_create(Instance &instance);
    [[nodiscard]] std::shared_ptr<Notices> make_notices();
    Status add_missing_shared(std::size_t index);
    void drop_shared_blocks() noexcept;
    void run_destroy(Instance &instance) noexcept;
    [[nodiscard]] hotgraft_status call_take(const Instance &instance, const Block &block, hotgraft_error *error) const;
    [[nodiscard]] Instance *kept_at(std::size_t index) const noexcept; // an instance or a session; nullptr: it is gone
    void destroy_sessions() noexcept;
    std::uint32_t meter_index(std::size_t index);
    void close_meters() noexcept;
    Status list_for_crashes(std::unique_ptr<CrashImage> image);
    [[nodiscard]] CrashImage::Whose whose() const;
    void unlist_for_crashes() noexcept;
    void note_quiet(Instance &instance, bool is_quiet);
    [[nodiscard]] static bool is_lost(Instance &instance) noexcept;
    [[nodiscard]] static bool lacks_state(Instance &instance) noexcept;
    Status surrender_lost(Instance &instance, Block *out);
    Status copy_block(const Block &block, const CopyProgram *walk, Block *out) const;
    [[nodiscard]] static std::uint64_t losses_of(Instance &instance) noexcept;
    static void note_given_away(Instance &instance) noexcept;
    static bool note_back(Instance &instance, std::uint64_t losses) noexcept; // false: it was given up meanwhile
    [[nodiscard]] Status check_has_state(const Instance &instance) const;
    Status take_unasked(Instance &instance, const Block &block, Status refused);
    void keep_for_good();

    const std::string plugin_;
    const std::uint64_t number_;
    const std::string source_;
    std::string version_; // constant from map on
    const Staged staged_;
    const ImageFacts facts_;
    std::atomic<Stage> stage_{Stage::kInspected};
    std::atomic<const char *> abandoned_in_{nullptr};
    std::atomic<bool> is_out_of_service_{false};
    // Links of lists that a generation must get into although there may be no memory.
    std::shared_ptr<Generation> kept_by_itself_; // set once, when abandoned
    Generation *next_abandoned_ = nullptr;
    std::shared_ptr<Generation> next_waiting_; // the reaper's, under its lock
    std::string held_by_;                      // the reaper's, under its lock

    std::unique_ptr<GenerationBooks> books_;
    std::unique_ptr<Services> import_services_; // what imports call through: no instance's
    std::unique_ptr<ResidueBaseline> baseline_;
    std::unique_ptr<Library> library_;
    std::unique_ptr<CrashImage> crash_image_; // listed from before map until the library is proven gone
    EntryTable entry_;
    StateFunctions state_;
    SharedFunctions shared_;
    SessionFunctions session_;
    std::vector<ConverterRow> converters_; // constant from map on
    HealthCheck check_health_ = nullptr;
    NotifyFunctions notify_;            // constant from map on
    bool is_listed_ = false;            // among those that are told
    mutable std::mutex sessions_mutex_; // guards the two below; a session itself is used by one thread at a time
    std::vector<std::unique_ptr<Instance>> sessions_;
    std::vector<std::size_t> free_sessions_; // places in it
    mutable std::mutex instances_mutex_;     // an instance may be added while another is checked, or names are read
    std::vector<std::unique_ptr<Instance>> instances_;
    std::vector<std::unique_ptr<Services>> kept_services_; // of instances whose create failed
    mutable std::mutex tables_mutex_;
    std::vector<std::unique_ptr<Table>> tables_;
    std::vector<std::shared_ptr<Meter>> meters_; // by instance
    Pins pins_;
    HealthChecks health_checks_;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GENERATION_HPP
