#include "generation.hpp"

#include <utility>

#include "control.hpp"
#include "generation_instance.hpp"
#include "generation_text.hpp"
#include "guard.hpp"
#include "needs_posix.hpp"

namespace hotgraft {

namespace {

// A file that is no plugin for this process has no descriptor that could be read: then that is the reason, and the only
// one that helps.
std::string why_no_descriptor(const ImageFacts &facts) {
    const std::string text = describe_refusals(check_kind(facts, this_machine()));
    return text.empty() ? "it has no descriptor (section .note.hotgraft)\nto do: compile and link the source that "
                          "`hotgraft bind` writes, as `hotgraft build` does"
                        : text;
}

} // namespace

Generation::Generation(const StagingWish &wish, Staged staged, ImageFacts facts)
    : plugin_(wish.plugin), number_(wish.generation), source_(wish.source), staged_(std::move(staged)),
      facts_(std::move(facts)), books_(std::make_unique<GenerationBooks>(wish.folder, wish.plugin, wish.generation)) {}

// A library that has not been seen to leave stays mapped (Library's destructor), and so must all it points to.
Generation::~Generation() {
    if (library_ != nullptr && !library_->is_gone()) {
        keep_for_good();
    }
    unlist_for_crashes();
}

Status Generation::make(const StagingWish &wish, std::shared_ptr<Generation> *out) {
    Guards::instance().note_use();
    Staged staged;
    ImageFacts facts;
    if (Status status = hotgraft::stage(wish, &staged, &facts); !status.is_ok()) {
        return status;
    }
    if (!facts.descriptor) {
        (void)remove_staged(staged);
        return {Code::kRefused, wish.source + ": " + why_no_descriptor(facts)};
    }
    Status status = or_no_memory([&]() -> Status {
        out->reset(new Generation(wish, staged, std::move(facts)));
        return {};
    });
    if (!status.is_ok()) {
        (void)remove_staged(staged);
    }
    return status;
}

Status Generation::borrow(const StagingWish &wish, const std::string &path, const Sha256Digest &sha256,
                          std::shared_ptr<Generation> *out) {
    Staged staged;
    staged.path = path;
    staged.sha256 = sha256;
    staged.is_borrowed = true;
    ImageFacts facts;
    if (Status status = identify_staged(&staged); !status.is_ok()) {
        return status;
    }
    if (Status status = inspect_image_file(path.c_str(), &facts); !status.is_ok()) {
        return status;
    }
    return or_no_memory([&]() -> Status {
        out->reset(new Generation(wish, staged, std::move(facts)));
        return {};
    });
}

std::string Generation::label() const {
    return plugin_ + ": generation " + std::to_string(number_);
}

std::string_view Generation::descriptor() const noexcept {
    if (!facts_.descriptor) {
        return {};
    }
    return {reinterpret_cast<const char *>(facts_.bytes) + facts_.descriptor->offset, facts_.descriptor->bytes};
}

// --- stages ---

bool Generation::try_advance(Event event) noexcept {
    Stage stage = stage_.load(std::memory_order_acquire); // pairs with the exchange below
    const std::optional<Stage> next = next_stage(stage, event);
    return next && stage_.compare_exchange_strong(stage, *next, std::memory_order_acq_rel); // pairs with stage()
}

Status Generation::advance(Event event) {
    const Stage stage = this->stage();
    if (try_advance(event)) {
        return {};
    }
    return {Code::kWrongStage,
            label() + " is " + name_of(stage) + ": \"" + name_of(event) + "\" does not belong there"};
}

Status Generation::recall() {
    if (is_abandoned()) {
        return {Code::kWrongStage, label() + " cannot serve again: its " + abandoned_in_.load() + " never came back"};
    }
    return advance(Event::kRecall); // competes with retire: one of them wins
}

void Generation::mark_active() noexcept {
    books_->serving.set(true);
    books_->callbacks.begin_to_serve();
    if (stage() == Stage::kHeld) {
        (void)try_advance(Event::kRecall); // as in recall()
        return;
    }
    if (stage() == Stage::kCreated || stage() == Stage::kRestored) {
        (void)try_advance(Event::kStart); // a plugin without anything to start
    }
    (void)try_advance(Event::kPublish);
}

void Generation::mark_held() noexcept {
    books_->serving.set(false); // its threads are joined: this is for those of a rollback to it
    books_->callbacks.end_to_serve();
    (void)try_advance(Event::kReplace);
}

void Generation::mark_failed() noexcept {
    books_->callbacks.end_to_serve();
    if (!is_abandoned()) {
        (void)try_advance(Event::kFail);
    }
}

// Needs no memory: there may be none. The list is reachable, so that a leak checker knows that they are meant to stay.
void Generation::mark_abandoned(const char *what) noexcept {
    static std::atomic<Generation *> kept{nullptr};
    const char *none = nullptr;
    if (abandoned_in_.compare_exchange_strong(none, what, std::memory_order_acq_rel)) { // pairs with is_abandoned()
        kept_by_itself_ = shared_from_this();                             // what the thread can reach stays
        next_abandoned_ = kept.exchange(this, std::memory_order_acq_rel); // pairs with itself
    }
    (void)try_advance(Event::kStick);
}

bool Generation::is_abandoned() const noexcept {
    return abandoned_in_.load(std::memory_order_acquire) != nullptr; // pairs with mark_abandoned()
}

Status Generation::reject() {
    if (Status status = advance(Event::kReject); !status.is_ok()) {
        return status;
    }
    return remove_staged(staged_);
}

// --- imports ---

std::vector<ImportNeed> Generation::imports() const {
    std::vector<ImportNeed> needs;
    for (std::uint64_t i = 0; i < entry_.import_count; ++i) {
        const hotgraft_import &import = entry_.import(i);
        needs.push_back(
            {import.id, import.range, (import.flags & HOTGRAFT_IMPORT_OPTIONAL) != 0, import.slot != nullptr});
    }
    return needs;
}

namespace {

// One that never holds a table: who calls through it is told that nobody is there.
Slot &unbound_slot() {
    static Slot *const unbound = new Slot("unbound"); // never destroyed: plugins point to it
    return *unbound;
}

} // namespace

Status Generation::bind_import(const std::string &id, Slot *slot) {
    if (import_services_ == nullptr) {
        import_services_ = std::make_unique<Services>(LogRing::instance(), *books_, LogSource{plugin_, "", number_});
    }
    for (std::uint64_t i = 0; i < entry_.import_count; ++i) {
        hotgraft_import &import = entry_.import(i);
        if (id == import.id) {
            if (import.slot != nullptr && import.slot != unbound_slot().words()) {
                return {Code::kInvalid, label() + ": import \"" + id + "\" is bound already"};
            }
            // In one store: threads that start began may be reading it.
            __atomic_store_n(&import.slot, slot == nullptr ? unbound_slot().words() : slot->words(), __ATOMIC_RELEASE);
            import.record_offset = Guards::instance().record_offset();
            import.host = import_services_->host();
            return {};
        }
    }
    return {Code::kInvalid, label() + " has no import \"" + id + "\""};
}

Status Generation::add_missing_imports() const {
    // An optional import that is not bound still leads to a slot: one that never holds a table.
    std::string missing;
    for (std::uint64_t i = 0; i < entry_.import_count; ++i) {
        hotgraft_import &import = entry_.import(i);
        if (import.slot != nullptr) {
            continue;
        }
        if ((import.flags & HOTGRAFT_IMPORT_OPTIONAL) == 0) {
            missing += (missing.empty() ? "\"" : ", \"") + std::string(import.id) + " " + import.range + "\"";
            continue;
        }
        import.slot = unbound_slot().words();
        import.record_offset = Guards::instance().record_offset();
        import.host = import_services_ == nullptr ? nullptr : import_services_->host();
    }
    return missing.empty() ? Status() : Status(Code::kInvalid, label() + ": no slot was bound for import " + missing);
}

// --- instances ---

Status Generation::create_instance(const std::string &name, const std::string &config_json, std::size_t *index) {
    // Active: one more instance beside those that serve; it has state and slots of its own, so none of them notices.
    // Held: one for a rollback that restores, which only a fresh instance can.
    const Stage now = stage();
    const bool serves = now == Stage::kActive || now == Stage::kHeld;
    if (now != Stage::kMapped && now != Stage::kCreated && !serves) {
        return {Code::kWrongStage, label() + " is " + name_of(stage()) + ": no instance can be created"};
    }
    if (import_services_ == nullptr) {
        import_services_ = std::make_unique<Services>(LogRing::instance(), *books_, LogSource{plugin_, "", number_});
    }
    if (Status status = add_missing_imports(); !status.is_ok()) {
        return status;
    }
    // Once create has answered there must be a place for what it made: that cannot be undone for want of memory.
    {
        const std::lock_guard<std::mutex> lock(instances_mutex_);
        instances_.reserve(instances_.size() + 1);
    }
    kept_services_.reserve(kept_services_.size() + 1);
    auto instance = std::make_unique<Instance>(
        name, config_json, std::make_unique<Services>(LogRing::instance(), *books_, LogSource{plugin_, name, number_}));
    instance->notices = make_notices();
    if (Status status = or_no_memory([&] { return run_create(*instance); }); !status.is_ok()) {
        kept_services_.push_back(std::move(instance->services)); // a thread it started may still log
        if (!serves) {
            mark_failed();
        }
        return status;
    }
    if (instance->notices != nullptr) {
        instance->notices->belong_to(instance->plugin);
    }
    {
        const std::lock_guard<std::mutex> lock(instances_mutex_);
        instances_.push_back(std::move(instance));
    }
    if (stage() == Stage::kMapped) {
        (void)try_advance(Event::kCreate);
    }
    if (index != nullptr) {
        *index = instances_.size() - 1;
    }
    return {};
}

Status Generation::run_create(Instance &instance) {
    const hotgraft_str config{instance.config.data(), instance.config.size()};
    PluginError error;
    hotgraft_instance *made = nullptr;
    const std::uint64_t bytes_before = live_bytes();
    const hotgraft_status status = entry_.functions.create(instance.services->host(), &config, &made, error.get());
    if (status < 0) {
        const Status complaint = complain("create", instance, status, *error.get());
        const std::uint64_t kept = live_bytes() - bytes_before;
        return {complaint.code(),
                complaint.message() +
                    (kept == 0 ? "" : "; it kept " + std::to_string(kept) + " bytes of the host's memory")};
    }
    if (made == nullptr) {
        return {Code::kPlugin, label() + ": create of instance \"" + instance.name + "\" answered " +
                                   std::to_string(status) + " (" + name_of_status(status) + ") and no instance"};
    }
    instance.plugin = made;
    return {};
}

const std::string &Generation::instance_name(std::size_t index) const {
    return instances_.at(index)->name;
}

std::vector<std::string> Generation::instance_names() const {
    const std::lock_guard<std::mutex> lock(instances_mutex_);
    std::vector<std::string> names;
    names.reserve(instances_.size());
    for (const std::unique_ptr<Instance> &instance : instances_) {
        names.push_back(instance->name);
    }
    return names;
}

std::vector<Lease> Generation::leases() const {
    return books_->leases.list();
}

std::uint64_t Generation::live_bytes() const noexcept {
    return books_->ledger == nullptr ? 0 : books_->ledger->live_bytes();
}

// Everything that a library in memory may still point to.
struct Generation::Kept {
    std::unique_ptr<Library> library;
    std::unique_ptr<GenerationBooks> books;
    std::unique_ptr<Services> import_services;
    std::vector<std::unique_ptr<Instance>> instances;
    std::vector<std::unique_ptr<Instance>> sessions;
    std::vector<std::unique_ptr<Services>> services;
    std::vector<std::unique_ptr<Table>> tables;
    std::vector<std::shared_ptr<Meter>> meters; // their indexes stand in the tables
    std::unique_ptr<CrashImage> crash_image;
};

// The mapping outlives this object: so must all of it, to the end of the process.
void Generation::keep_for_good() {
    static std::mutex *const mutex = new std::mutex();
    static std::vector<Kept> *const kept = new std::vector<Kept>();
    static const std::atomic<Stage> *const stuck = new std::atomic<Stage>(Stage::kStuck);
    if (crash_image_ != nullptr) {
        crash_image_->stage.store(stuck, std::memory_order_seq_cst); // pairs with CrashImage::stage_now()
        CrashImages::instance().await_reader();                      // which may still look at this object's stage
    }
    const std::lock_guard<std::mutex> lock(*mutex);
    kept->push_back({std::move(library_), std::move(books_), std::move(import_services_), std::move(instances_),
                     std::move(sessions_), std::move(kept_services_), std::move(tables_), std::move(meters_),
                     std::move(crash_image_)});
}

} // namespace hotgraft
