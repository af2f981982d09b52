#include "crash_images.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "record.hpp"
#include "residue_posix.hpp"

namespace hotgraft {

namespace {

constexpr long kReadAgainUs = 200;
constexpr std::uintptr_t kFirstPage = 4096;

std::uintptr_t first_page_of(const ImageFacts &facts) noexcept {
    return facts.segments.empty() ? 0 : facts.segments.front().vaddr & ~(kFirstPage - 1);
}

} // namespace

CrashImage::CrashImage(const Library &library, Whose whose)
    : range(library.range()), load_address(library.load_address()), code(library.code()),
      plugin(std::move(whose.plugin)), generation(whose.generation), version(std::move(whose.version)),
      source(std::move(whose.source)), staged_path(library.staged().path), sha256(hex_of(library.staged().sha256)),
      first_address(first_page_of(library.facts())), names(library.facts()), stage(whose.stage),
      bytes_owner_(library.facts().bytes_owner) {}

CrashImage::CrashImage(const Staged &staged, const ImageFacts &facts, Whose whose)
    : plugin(std::move(whose.plugin)), generation(whose.generation), version(std::move(whose.version)),
      source(std::move(whose.source)), staged_path(staged.path), sha256(hex_of(staged.sha256)),
      first_address(first_page_of(facts)), names(facts), stage(whose.stage), bytes_owner_(facts.bytes_owner) {}

CrashImage::~CrashImage() {
    CrashTable *table = tables.load(std::memory_order_relaxed);
    while (table != nullptr) {
        const std::unique_ptr<CrashTable> gone(table);
        table = table->next;
    }
}

void CrashImage::note_table(const hotgraft_table *table, std::uint32_t functions, std::string interface) {
    auto note = std::make_unique<CrashTable>();
    *note = {table, functions, std::move(interface), tables.load(std::memory_order_relaxed)};
    tables.store(note.release(), std::memory_order_release); // pairs with find()
}

bool CrashImage::holds_code(std::uintptr_t address) const noexcept {
    if (code.empty()) {
        return range.contains(address);
    }
    return std::any_of(code.begin(), code.end(), [&](const AddressRange &one) { return one.contains(address); });
}

const CrashTable *CrashImage::find(const hotgraft_table *table) const noexcept {
    const CrashTable *one = tables.load(std::memory_order_acquire); // pairs with note_table()
    while (one != nullptr && one->table != table) {
        one = one->next;
    }
    return one;
}

CrashImages &CrashImages::instance() noexcept {
    // Built in place and never destroyed: a thread may crash until the process is gone.
    alignas(CrashImages) static unsigned char storage[sizeof(CrashImages)];
    static CrashImages *const images = new (storage) CrashImages;
    return *images;
}

CrashImages::~CrashImages() {
    for (const Place *place = head_.load(std::memory_order_relaxed); place != nullptr;) {
        const Place *const next = place->next;
        delete place;
        place = next;
    }
}

bool CrashImages::list(CrashImage *image) noexcept {
    image->listed_as = listed_.fetch_add(1, std::memory_order_relaxed) + 1;
    for (Place *place = head_.load(std::memory_order_acquire); place != nullptr; place = place->next) { // as below
        CrashImage *none = nullptr;
        if (place->image.compare_exchange_strong(none, image, std::memory_order_seq_cst)) { // pairs with find_if()
            return true;
        }
    }
    Place *const place = new (std::nothrow) Place; // listed as long as the list is there
    if (place == nullptr) {
        return false;
    }
    place->image.store(image, std::memory_order_relaxed);
    place->next = head_.load(std::memory_order_relaxed);
    while (!head_.compare_exchange_weak(place->next, place, std::memory_order_seq_cst, // pairs with find_if()
                                        std::memory_order_relaxed)) {
    }
    return true;
}

void CrashImages::unlist(const CrashImage *image) noexcept {
    for (Place *place = head_.load(std::memory_order_acquire); place != nullptr; place = place->next) { // as above
        if (place->image.load(std::memory_order_relaxed) == image) {
            place->image.store(nullptr, std::memory_order_seq_cst); // before the look below (2)
            break;
        }
    }
    await_reader();
}

void CrashImages::await_reader() const noexcept {
    while (reader() != 0) {
        pause_us(kReadAgainUs);
    }
}

bool CrashImages::begin_reading(std::int32_t tid) noexcept {
    std::int32_t none = 0;
    return reader_.compare_exchange_strong(none, tid, std::memory_order_seq_cst); // before find_if()'s loads (2)
}

template <class Is> const CrashImage *CrashImages::find_if(Is is) const noexcept {
    const CrashImage *found = nullptr;
    for (const Place *place = head_.load(std::memory_order_seq_cst); place != nullptr; place = place->next) { // list()
        const CrashImage *const image = place->image.load(std::memory_order_seq_cst); // pairs with list(), unlist()
        if (image != nullptr && is(*image) && (found == nullptr || image->listed_as > found->listed_as)) {
            found = image;
        }
    }
    return found;
}

void CrashImages::place(bool (*look)(const char *, std::uintptr_t *, AddressRange *) noexcept) noexcept {
    for (Place *place = head_.load(std::memory_order_seq_cst); place != nullptr; place = place->next) { // list()
        CrashImage *const image = place->image.load(std::memory_order_seq_cst); // pairs with list(), unlist()
        std::uintptr_t begin = 0;
        AddressRange code;
        if (image != nullptr && image->range.end == 0 && look(image->staged_path.c_str(), &begin, &code)) {
            image->range = code;
            image->load_address = begin - image->first_address;
        }
    }
}

const CrashImage *CrashImages::find(std::uintptr_t address) const noexcept {
    return find_if([address](const CrashImage &image) { return image.holds(address); });
}

const CrashImage *CrashImages::find_code(std::uintptr_t address) const noexcept {
    return find_if([address](const CrashImage &image) { return image.holds_code(address); });
}

const CrashImage *CrashImages::find(const hotgraft_table *table, const CrashTable **found) const noexcept {
    const CrashImage *const image = find_if([table](const CrashImage &one) { return one.find(table) != nullptr; });
    if (image != nullptr) {
        *found = image->find(table);
    }
    return image;
}

const CrashImage *CrashImages::find_serving(const std::string &plugin) const noexcept {
    return find_if([&plugin](const CrashImage &image) {
        const Stage stage = image.stage_now();
        return image.plugin == plugin &&
               (stage == Stage::kActive || stage == Stage::kDraining || stage == Stage::kQuiesced);
    });
}

} // namespace hotgraft
