#include "generation_entry.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <hotgraft/call.h>

#include "library_posix.hpp"
#include "needs.hpp"
#include "notify.hpp"

namespace hotgraft {

namespace {

// Collects every violation, so that an author mends them in one build.
class Violations {
public:
    void add(const std::string &text) { text_ += (text_.empty() ? "" : "; ") + text; }
    [[nodiscard]] Status answer(const std::string &head) const {
        return text_.empty() ? Status() : Status(Code::kRefused, head + ": " + text_);
    }

private:
    std::string text_;
};

// Copy what the writer filled of a sized struct; what is newer than the writer stays zero (rule 2 of version.h).
template <class Struct> bool read_sized(const Library &library, const void *from, Struct *out) {
    std::uint32_t struct_size = 0;
    if (from == nullptr || !library.holds(from, sizeof struct_size)) {
        return false;
    }
    std::memcpy(&struct_size, from, sizeof struct_size);
    if (struct_size < sizeof struct_size || !library.holds(from, struct_size)) {
        return false;
    }
    std::memcpy(out, from, std::min<std::size_t>(struct_size, sizeof *out));
    return true;
}

template <class Function>
void check_function(const Library &library, Function function, const char *name, bool is_required, Violations *found) {
    const auto address = reinterpret_cast<std::uintptr_t>(function);
    if (address == 0) {
        if (is_required) {
            found->add(std::string(name) + " is NULL");
        }
    } else if (!library.holds_code(address)) {
        found->add(std::string(name) + " points outside the plugin's own code");
    }
}

// Terminated within the library.
bool is_text(const Library &library, const char *text) {
    constexpr std::size_t kTextMax = 256;
    for (std::size_t i = 0; i < kTextMax; ++i) {
        if (!library.holds(text + i, 1)) {
            return false;
        }
        if (text[i] == '\0') {
            return true;
        }
    }
    return false;
}

// Of ABI 1.0, whose last member is a pointer. NOLINTNEXTLINE(bugprone-sizeof-expression): its own size is meant
constexpr std::uint32_t kImportBytes = offsetof(hotgraft_import, host) + sizeof(hotgraft_import::host);

// How far apart the imports lie: each says its size, and they are elements of one array.
bool read_import_bytes(const Library &library, EntryTable *entry, Violations *found) {
    if (!library.holds(entry->functions.imports, sizeof entry->import_bytes)) {
        found->add("imports do not lie in the plugin");
        return false;
    }
    std::memcpy(&entry->import_bytes, entry->functions.imports, sizeof entry->import_bytes);
    if (entry->import_bytes < kImportBytes || entry->import_bytes % alignof(hotgraft_import) != 0) {
        found->add("import 0: struct_size is " + std::to_string(entry->import_bytes) + ", at least " +
                   std::to_string(kImportBytes) + " is needed");
        return false;
    }
    return true;
}

void check_imports(const Library &library, EntryTable *entry, Violations *found) {
    constexpr std::uint64_t kImportsMax = 1024;
    if (entry->import_count == 0 || !read_import_bytes(library, entry, found)) {
        return;
    }
    const std::uint64_t bytes = entry->import_count * entry->import_bytes;
    if (entry->import_count > kImportsMax || !library.holds(entry->functions.imports, bytes)) {
        found->add("imports do not lie in the plugin");
        return;
    }
    if (!is_writable(entry->functions.imports, bytes)) {
        found->add("imports are const: the host fills them");
        return;
    }
    for (std::uint64_t i = 0; i < entry->import_count; ++i) {
        const hotgraft_import &import = entry->import(i);
        const std::string name = "import " + std::to_string(i);
        if (import.struct_size != entry->import_bytes) {
            found->add(name + ": struct_size is " + std::to_string(import.struct_size) + ", and " +
                       std::to_string(entry->import_bytes) + " in import 0");
        }
        if (import.id == nullptr || !is_text(library, import.id) || import.range == nullptr ||
            !is_text(library, import.range)) {
            found->add(name + ": id or range is no text in the plugin");
        }
        if (import.guard_protocol > HOTGRAFT_GUARD_PROTOCOL) {
            found->add(name + ": wants guard protocol " + std::to_string(import.guard_protocol) +
                       ", this host offers " + std::to_string(HOTGRAFT_GUARD_PROTOCOL));
        }
    }
}

} // namespace

Status read_entry_table(const Library &library, const void *answer, EntryTable *out) {
    const std::string head = std::string(kEntrySymbol) + " answered a table that is refused";
    if (answer == nullptr) {
        return {Code::kRefused, std::string(kEntrySymbol) +
                                    " answered NULL: the plugin cannot be served by a host of ABI " +
                                    std::to_string(HOTGRAFT_ABI_MAJOR) + "." + std::to_string(HOTGRAFT_ABI_MINOR)};
    }
    EntryTable entry;
    if (!read_sized(library, answer, &entry.functions)) {
        return {Code::kRefused, head + ": it does not lie in the plugin, or its struct_size lies"};
    }
    Violations found;
    const hotgraft_plugin &table = entry.functions;
    if (table.struct_size < offsetof(hotgraft_plugin, get_extension)) {
        found.add("struct_size is " + std::to_string(table.struct_size) + ", at least " +
                  std::to_string(offsetof(hotgraft_plugin, get_extension)) + " is needed");
    }
    if (table.abi_minor > HOTGRAFT_ABI_MINOR) {
        found.add("it was built for ABI 1." + std::to_string(table.abi_minor) + ", this host offers 1." +
                  std::to_string(HOTGRAFT_ABI_MINOR));
    }
    entry.import_count = table.imports == nullptr ? 0 : table.import_count;
    check_function(library, table.create, "create", true, &found);
    check_function(library, table.destroy, "destroy", true, &found);
    check_function(library, table.get_interface, "get_interface", true, &found);
    check_function(library, table.start, "start", false, &found);
    check_function(library, table.quiesce, "quiesce", false, &found);
    check_function(library, table.resume, "resume", false, &found);
    check_function(library, table.get_extension, "get_extension", false, &found);
    check_imports(library, &entry, &found);
    // C06: the table must lead to the very bytes that were read from the file.
    if (library.descriptor() != nullptr &&
        (table.descriptor_len != library.descriptor_bytes() || table.descriptor == nullptr ||
         !library.holds(table.descriptor, table.descriptor_len) ||
         std::memcmp(table.descriptor, library.descriptor(), library.descriptor_bytes()) != 0)) {
        found.add("descriptor is not the note of the image (" + std::to_string(table.descriptor_len) +
                  " bytes against " + std::to_string(library.descriptor_bytes()) + ")");
    }
    Status status = found.answer(head);
    if (status.is_ok()) {
        *out = entry;
    }
    return status;
}

Status read_state_functions(const Library &library, const void *answer, StateFunctions *out) {
    hotgraft_ext_state state{};
    if (!read_sized(library, answer, &state)) {
        return {Code::kRefused,
                std::string(HOTGRAFT_EXT_STATE) + ": its table does not lie in the plugin, or its struct_size lies"};
    }
    Violations found;
    check_function(library, state.save, "save", false, &found);
    check_function(library, state.restore, "restore", false, &found);
    check_function(library, state.take, "take", false, &found);
    check_function(library, state.surrender, "surrender", false, &found);
    if ((state.save == nullptr) != (state.restore == nullptr)) {
        found.add("save and restore are offered together or not at all");
    }
    if ((state.take == nullptr) != (state.surrender == nullptr)) {
        found.add("take and surrender are offered together or not at all");
    }
    if (state.schema == 0) {
        found.add("schema is 0; it starts at 1");
    }
    Status status = found.answer(HOTGRAFT_EXT_STATE);
    if (status.is_ok()) {
        *out = {state.schema, state.layout_id, state.save, state.restore, state.take, state.surrender};
    }
    return status;
}

Status read_session_functions(const Library &library, const void *answer, bool has_state, SessionFunctions *out) {
    hotgraft_ext_session session{};
    if (!read_sized(library, answer, &session)) {
        return {Code::kRefused,
                std::string(HOTGRAFT_EXT_SESSION) + ": its table does not lie in the plugin, or its struct_size lies"};
    }
    Violations found;
    check_function(library, session.create_session, "create_session", true, &found);
    check_function(library, session.destroy_session, "destroy_session", true, &found);
    check_function(library, session.save, "save", false, &found);
    check_function(library, session.restore, "restore", false, &found);
    check_function(library, session.take, "take", false, &found);
    check_function(library, session.surrender, "surrender", false, &found);
    if ((session.save == nullptr) != (session.restore == nullptr)) {
        found.add("save and restore are offered together or not at all");
    }
    if ((session.take == nullptr) != (session.surrender == nullptr)) {
        found.add("take and surrender are offered together or not at all");
    }
    if (session.schema == 0) {
        found.add("schema is 0; it starts at 1");
    }
    if (has_state) {
        found.add("state is offered beside: it belongs to sessions, or to all calls");
    }
    Status status = found.answer(HOTGRAFT_EXT_SESSION);
    if (status.is_ok()) {
        *out = {session.schema, session.layout_id, session.create_session, session.destroy_session,
                session.save,   session.restore,   session.take,           session.surrender};
    }
    return status;
}

Status read_shared_functions(const Library &library, const void *answer, const StateFunctions &state,
                             SharedFunctions *out) {
    constexpr std::uint64_t kAlignMost = 4096;
    constexpr std::uint64_t kAlignPlain = 64; // a line of its own: it is written by many threads
    hotgraft_ext_shared shared{};
    if (!read_sized(library, answer, &shared)) {
        return {Code::kRefused,
                std::string(HOTGRAFT_EXT_SHARED) + ": its table does not lie in the plugin, or its struct_size lies"};
    }
    Violations found;
    check_function(library, shared.init, "init", false, &found);
    check_function(library, shared.attach, "attach", true, &found);
    if (shared.schema == 0 || (state.schema != 0 && state.schema != shared.schema)) {
        found.add("schema is " + std::to_string(shared.schema) +
                  (state.schema == 0 ? "; it starts at 1"
                                     : ", and " + std::to_string(state.schema) + " in " + HOTGRAFT_EXT_STATE));
    }
    if (state.take != nullptr) {
        found.add(std::string("take and surrender are offered in ") + HOTGRAFT_EXT_STATE +
                  ": a block is shared or handed over, not both");
    }
    if (shared.layout_id == 0) {
        found.add("layout_id is 0");
    }
    if (shared.bytes == 0) {
        found.add("bytes is 0");
    }
    if ((shared.align & (shared.align - 1)) != 0 || shared.align > kAlignMost) {
        found.add("align is " + std::to_string(shared.align) + "; it is a power of two, at most " +
                  std::to_string(kAlignMost));
    }
    Status status = found.answer(HOTGRAFT_EXT_SHARED);
    if (status.is_ok()) {
        *out = {shared.schema, shared.layout_id, shared.bytes, shared.align == 0 ? kAlignPlain : shared.align,
                shared.init,   shared.attach};
    }
    return status;
}

Status read_health_check(const Library &library, const void *answer, HealthCheck *out) {
    hotgraft_ext_health health{};
    if (!read_sized(library, answer, &health)) {
        return {Code::kRefused,
                std::string(HOTGRAFT_EXT_HEALTH) + ": its table does not lie in the plugin, or its struct_size lies"};
    }
    Violations found;
    check_function(library, health.check, "check", true, &found);
    Status status = found.answer(HOTGRAFT_EXT_HEALTH);
    if (status.is_ok()) {
        *out = health.check;
    }
    return status;
}

Status read_notify_functions(const Library &library, const void *answer, NotifyFunctions *out) {
    hotgraft_ext_notify notify{};
    if (!read_sized(library, answer, &notify)) {
        return {Code::kRefused,
                std::string(HOTGRAFT_EXT_NOTIFY) + ": its table does not lie in the plugin, or its struct_size lies"};
    }
    Violations found;
    check_function(library, notify.prepare, "prepare", false, &found);
    check_function(library, notify.changed, "changed", false, &found);
    check_function(library, notify.called_off, "called_off", false, &found);
    Status status = found.answer(HOTGRAFT_EXT_NOTIFY);
    if (status.is_ok()) {
        *out = {notify.prepare, notify.changed, notify.called_off};
    }
    return status;
}

Status check_interface(const Library &library, const std::string &id, const void *answer,
                       std::uint32_t declared_bytes) {
    constexpr std::uint32_t kFirstFunction = 8;
    std::uint32_t struct_size = 0;
    if (answer == nullptr) {
        return {Code::kRefused, "get_interface does not offer \"" + id + "\""};
    }
    if (!library.holds(answer, sizeof struct_size)) {
        return {Code::kRefused, "interface " + id + ": its struct does not lie in the plugin"};
    }
    std::memcpy(&struct_size, answer, sizeof struct_size);
    if (struct_size < kFirstFunction || struct_size % kFirstFunction != 0 || !library.holds(answer, struct_size)) {
        return {Code::kRefused, "interface " + id + ": struct_size is " + std::to_string(struct_size) +
                                    ", which is no whole number of functions inside the plugin"};
    }
    Violations found;
    if (struct_size < declared_bytes) {
        found.add("struct_size is " + std::to_string(struct_size) + ", the descriptor promises " +
                  std::to_string(declared_bytes));
    }
    const std::uint32_t checked = declared_bytes == 0 ? struct_size : std::min(struct_size, declared_bytes);
    for (std::uint32_t offset = kFirstFunction; offset + sizeof(void *) <= checked; offset += sizeof(void *)) {
        const void *function = nullptr;
        std::memcpy(&function, static_cast<const char *>(answer) + offset, sizeof function);
        const std::string name = "the function at byte " + std::to_string(offset);
        check_function(library, reinterpret_cast<std::uintptr_t>(function), name.c_str(), true, &found);
    }
    return found.answer("interface " + id);
}

} // namespace hotgraft
