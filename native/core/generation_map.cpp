// From a staged copy to a library in memory whose tables were read.
#include <cstring>

#include "generation.hpp"
#include "needs.hpp"

namespace hotgraft {

Status Generation::map() {
    Status status = map_library();
    return status.is_ok() ? read_tables() : status;
}

Status Generation::map_library() {
    if (stage() == Stage::kInspected) {
        (void)try_advance(Event::kAccept); // nobody who inspected it had anything against it
    }
    if (stage() != Stage::kAccepted && stage() != Stage::kProbed) {
        return {Code::kWrongStage, label() + " is " + name_of(stage()) + " and cannot be mapped"};
    }
    if (Status status = ResidueBaseline::take(&baseline_); !status.is_ok()) {
        return status;
    }
    if (Status status = list_for_crashes(std::make_unique<CrashImage>(staged_, facts_, whose())); !status.is_ok()) {
        return status;
    }
    if (Status status = Library::open(staged_, facts_, &library_); !status.is_ok()) {
        unlist_for_crashes();
        return {status.code(), label() + ": " + status.message()};
    }
    (void)try_advance(Event::kMap);
    books_->callbacks.belong_to(library_.get());
    if (Status status = list_for_crashes(std::make_unique<CrashImage>(*library_, whose())); !status.is_ok()) {
        mark_failed();
        return status;
    }
    return {};
}

Status Generation::read_tables() {
    if (Status status = call_entry(); !status.is_ok()) {
        mark_failed();
        return {status.code(), label() + ": " + status.message()};
    }
    return {};
}

CrashImage::Whose Generation::whose() const {
    return {plugin_, number_, version_, source_, &stage_};
}

Status Generation::list_for_crashes(std::unique_ptr<CrashImage> image) {
    unlist_for_crashes();
    if (!CrashImages::instance().list(image.get())) {
        return {Code::kNoMemory, label() + ": no memory for what a crash report says of it"};
    }
    crash_image_ = std::move(image);
    return {};
}

void Generation::unlist_for_crashes() noexcept {
    if (crash_image_ != nullptr) {
        CrashImages::instance().unlist(crash_image_.get());
        crash_image_.reset();
    }
}

Status Generation::call_entry() {
    void *symbol = nullptr;
    if (Status status = library_->symbol(std::string(kEntrySymbol).c_str(), &symbol); !status.is_ok()) {
        return status;
    }
    if (!library_->holds_code(reinterpret_cast<std::uintptr_t>(symbol))) {
        return {Code::kRefused, std::string(kEntrySymbol) + " is data, not a function"};
    }
    hotgraft_entry_fn entry = nullptr;
    std::memcpy(&entry, &symbol, sizeof entry); // an object pointer may not be cast to a function pointer in C++
    if (Status status = read_entry_table(*library_, entry(HOTGRAFT_ABI_MINOR), &entry_); !status.is_ok()) {
        return status;
    }
    return find_extensions();
}

Status Generation::find_extensions() {
    if (entry_.functions.get_extension == nullptr) {
        return {};
    }
    const void *state = entry_.functions.get_extension(HOTGRAFT_EXT_STATE);
    Status status = state == nullptr ? Status() : read_state_functions(*library_, state, &state_);
    const void *shared = status.is_ok() ? entry_.functions.get_extension(HOTGRAFT_EXT_SHARED) : nullptr;
    if (shared != nullptr) {
        status = read_shared_functions(*library_, shared, state_, &shared_);
    }
    const void *session = status.is_ok() ? entry_.functions.get_extension(HOTGRAFT_EXT_SESSION) : nullptr;
    if (session != nullptr) {
        status = read_session_functions(*library_, session, state != nullptr || shared != nullptr, &session_);
    }
    const void *health = status.is_ok() ? entry_.functions.get_extension(HOTGRAFT_EXT_HEALTH) : nullptr;
    if (health != nullptr) {
        status = read_health_check(*library_, health, &check_health_);
    }
    const void *notify = status.is_ok() ? entry_.functions.get_extension(HOTGRAFT_EXT_NOTIFY) : nullptr;
    if (notify != nullptr) {
        status = read_notify_functions(*library_, notify, &notify_);
    }
    const void *converters = status.is_ok() ? entry_.functions.get_extension(HOTGRAFT_EXT_CONVERT) : nullptr;
    return converters == nullptr ? status : read_converters(*library_, converters, &converters_);
}

} // namespace hotgraft
