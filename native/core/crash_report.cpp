#include "crash_report.hpp"

#include <algorithm>
#include <cstring>

namespace hotgraft {

namespace {

constexpr std::uintptr_t kWord = sizeof(std::uintptr_t);
constexpr std::uintptr_t kStackSearched = 65'536; // bytes of stack
constexpr std::size_t kChunkWords = 64;
constexpr std::uintptr_t kStackPage = 4096;
constexpr std::size_t kIndirectLengths[] = {2, 3, 4, 6, 7}; // of an FF /2, bytes

// Does a call instruction end where `address` begins? Its shortest form has two bytes, its longest without prefixes
// seven (Intel SDM vol. 2A, CALL): E8 with a distance, or FF /2 with its operand.
bool is_after_call(const CrashImage &image, std::uintptr_t address,
                   std::size_t (*read)(std::uintptr_t, void *, std::size_t) noexcept) noexcept {
    constexpr std::size_t kLongest = 7;
    std::uint8_t before[kLongest] = {};
    if (!image.holds_code(address - kLongest) || read(address - kLongest, before, kLongest) != kLongest) {
        return false;
    }
    if (before[kLongest - 5] == 0xE8) {
        return true;
    }
    for (const std::size_t bytes : kIndirectLengths) {
        const std::uint8_t *const at = before + kLongest - bytes;
        if (at[0] == 0xFF && (at[1] & 0x38U) == 0x10) {
            return true;
        }
    }
    return false;
}

void add_frame(CrashFindings *findings, std::uintptr_t address, const CrashImage *image) noexcept {
    CrashFrame *const last = findings->frame_count == 0 ? nullptr : &findings->frames[findings->frame_count - 1];
    if (last != nullptr && last->address == address) {
        ++last->times;
    } else if (findings->frame_count < CrashFindings::kFramesMax) {
        findings->frames[findings->frame_count++] = {address, image, 1};
    }
}

// Return addresses into plugins, from the stack pointer up. Where the stack is used up, the pages at the stack pointer
// are not there: the search begins with the first that is.
void search_stack(const CrashScene &scene, CrashFindings *findings) noexcept {
    std::uintptr_t at = scene.sp & ~(kWord - 1);
    const std::uintptr_t end = at + kStackSearched;
    bool has_read = false;
    while (at < end) {
        std::uintptr_t words[kChunkWords];
        const std::uintptr_t to_page_end = kStackPage - at % kStackPage;
        const std::size_t got = scene.read(at, words, std::min<std::uintptr_t>(sizeof words, to_page_end)) / kWord;
        if (got == 0) {
            if (has_read) {
                return; // the stack's end
            }
            at += to_page_end;
            continue;
        }
        has_read = true;
        for (std::size_t i = 0; i < got; ++i) {
            const CrashImage *const image = CrashImages::instance().find_code(words[i]);
            if (image != nullptr && is_after_call(*image, words[i], scene.read)) {
                add_frame(findings, words[i], image);
            }
        }
        at += got * kWord;
    }
}

// The newest table in the thread's records that is known.
void find_called(const CrashScene &scene, CrashFindings *findings) noexcept {
    for (const ThreadRecord *record = scene.chain; record != nullptr; record = record->older) {
        const std::uint32_t depth =
            std::min<std::uint32_t>(__atomic_load_n(&record->hot.depth, __ATOMIC_RELAXED), HOTGRAFT_RECORD_ENTRIES);
        for (std::uint32_t i = depth; i > 0; --i) {
            const hotgraft_table *const table = __atomic_load_n(&record->hot.entry[i - 1], __ATOMIC_RELAXED);
            findings->called_in = table == nullptr ? nullptr : CrashImages::instance().find(table, &findings->called);
            if (findings->called_in != nullptr) {
                return;
            }
        }
    }
}

bool offers(const CrashTable &called, std::uintptr_t function) noexcept {
    const char *const interface = reinterpret_cast<const char *>(called.table) + sizeof(hotgraft_table);
    for (std::uint32_t i = 1; i <= called.functions; ++i) { // the first word is struct_size
        std::uintptr_t one = 0;
        std::memcpy(&one, interface + i * kWord, kWord);
        if (one == function) {
            return true;
        }
    }
    return false;
}

// Which of the table's functions is under way: the one that a frame lies in.
void find_function(const CrashScene &scene, CrashFindings *findings) noexcept {
    const auto look_at = [findings](const CrashImage *image, std::uintptr_t address) {
        if (image != findings->called_in || findings->function.name != nullptr) {
            return;
        }
        const CrashFunction function = image->function_at(address);
        if (function.name != nullptr && offers(*findings->called, image->load_address + function.begin)) {
            findings->function = function;
        }
    };
    look_at(CrashImages::instance().find_code(scene.pc), scene.pc);
    for (std::size_t i = 0; i < findings->frame_count; ++i) {
        look_at(findings->frames[i].image, findings->frames[i].address - 1);
    }
}

const char *file_name(const char *path) noexcept {
    const char *const slash = std::strrchr(path, '/');
    return slash == nullptr ? path : slash + 1;
}

void add_head(CrashText &text, const CrashScene &scene, const CrashFindings &findings) noexcept {
    const CrashImage &image = *findings.image;
    text.add("hotgraft: ").add(scene.signal).add(findings.is_at_pc ? " in plugin " : " in code called by plugin ");
    text.add(image.plugin.c_str()).add(", generation ").add_number(image.generation).add(" (");
    if (!image.version.empty()) {
        text.add("version ").add(image.version.c_str()).add(", ");
    }
    text.add(name_of(image.stage_now())).add("): ");
    add_found(text, scene);
    text.add("\n");
}

void add_where(CrashText &text, const CrashScene &scene, const CrashFindings &findings) noexcept {
    text.add("  where: ");
    if (const CrashImage *const image = CrashImages::instance().find(scene.pc); image != nullptr) {
        add_place(text, *image, scene.pc, false);
    } else if (scene.file != nullptr) {
        text.add(file_name(scene.file)).add("+").add_hex(scene.file_offset).add(", which is no plugin");
    } else {
        text.add_hex(scene.pc).add(", where no file is mapped");
    }
    text.add(", thread ").add_number(static_cast<std::uint64_t>(scene.tid)).add("\n");
    if (findings.frame_count == 0) {
        return;
    }
    text.add("  on the stack, nearest first (a left-over address may be among them):\n");
    for (std::size_t i = 0; i < findings.frame_count; ++i) {
        const CrashFrame &frame = findings.frames[i];
        text.add("    ").add(frame.image->plugin.c_str()).add(": ");
        add_place(text, *frame.image, frame.address, true);
        if (frame.times > 1) {
            text.add(", ").add_number(frame.times).add(" times");
        }
        text.add("\n");
    }
}

void add_call(CrashText &text, const CrashFindings &findings) noexcept {
    if (findings.called == nullptr) {
        const Stage stage = findings.image->stage_now();
        text.add(stage == Stage::kAccepted || stage == Stage::kProbed
                     ? "  call: none; the loader runs its constructors\n"
                     : "  call: none; the thread is not inside a call that the host guards\n");
        return;
    }
    text.add("  call: ").add(findings.called->interface.c_str()).add(" of ").add(findings.called_in->plugin.c_str());
    text.add(", generation ").add_number(findings.called_in->generation);
    if (findings.function.name != nullptr) {
        text.add(", function ").add(findings.function.name);
    }
    text.add("\n");
}

// The line of the source, if the image was built with -g: the first place that lies in the plugin.
void add_advice(CrashText &text, const CrashScene &scene, const CrashFindings &findings) noexcept {
    const CrashImage &image = *findings.image;
    text.add("  to do: put the build before this one back");
    const bool is_known = findings.is_at_pc || findings.frame_count > 0;
    if (is_known) {
        const std::uintptr_t address = findings.is_at_pc ? scene.pc : findings.frames[0].address - 1;
        text.add("; for the line: addr2line -fipe ").add(image.source.c_str()).add(" ");
        text.add_hex(address - image.load_address);
    }
    text.add("\n");
}

} // namespace

void examine(const CrashScene &scene, CrashFindings *findings) noexcept {
    *findings = CrashFindings();
    const CrashImage *const at_pc = CrashImages::instance().find(scene.pc);
    find_called(scene, findings);
    if (at_pc == nullptr && findings->called == nullptr && scene.chain != nullptr) {
        return;
    }
    search_stack(scene, findings);
    findings->is_at_pc = at_pc != nullptr;
    findings->image = at_pc != nullptr             ? at_pc
                      : findings->frame_count != 0 ? findings->frames[0].image
                                                   : findings->called_in;
    if (findings->called != nullptr) {
        find_function(scene, findings);
    }
}

void add_place(CrashText &text, const CrashImage &image, std::uintptr_t address, bool is_return) noexcept {
    const CrashFunction function = image.function_at(is_return ? address - 1 : address);
    if (function.name != nullptr && function.is_inside) {
        text.add(function.name).add("+").add_hex(address - image.load_address - function.begin).add(" ");
    }
    text.add("(").add(file_name(image.source.c_str())).add("+").add_hex(address - image.load_address);
    if (function.name != nullptr && !function.is_inside) {
        text.add(", behind ").add(function.name);
    }
    text.add(")");
}

void add_found(CrashText &text, const CrashScene &scene) noexcept {
    text.add(scene.found);
    if (scene.has_address) {
        text.add(" ").add_hex(scene.address);
    }
    if (scene.sender != 0) {
        text.add(" ").add_number(static_cast<std::uint64_t>(scene.sender));
    }
}

void describe(CrashText &text, const CrashScene &scene, const CrashFindings &findings, bool is_caught) noexcept {
    const CrashImage &image = *findings.image;
    add_head(text, scene, findings);
    add_where(text, scene, findings);
    add_call(text, findings);
    text.add("  image: ").add(image.source.c_str()).add(", sha256 ").add(image.sha256.c_str()).add("\n  runs now: ");
    if (const CrashImage *const serving = CrashImages::instance().find_serving(image.plugin); serving != nullptr) {
        text.add("generation ").add_number(serving->generation).add(" serves");
    } else {
        text.add("no generation of it serves");
    }
    text.add(is_caught ? "; the crash is caught, the call raises, and this process is tainted\n"
                       : "; this process ends, unless another handler knows better\n");
    add_advice(text, scene, findings);
}

} // namespace hotgraft
