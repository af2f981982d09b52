// A C++ plugin: a class, a map, exceptions. None of the three crosses the border: callers see functions that answer a
// status, and a new build reads the counts by name (save and restore), because a std::map is nothing to hand over.
#include "textstats.h"

#include <cstring>
#include <new>
#include <string>

#include "textstats_descriptor.h"
#include "textstats_wrapper.hpp"
#include "words.hpp"

// The instance. Its methods have the names and parameters of the interface's functions and may throw: the wrapper that
// `hotgraft bind` generates calls them and turns what they throw into a status.
struct hotgraft_instance {
    const hotgraft_host *host;
    Words words;

    // --- the interface: callers, on any thread and several at once ---

    void feed(const std::uint8_t *text, std::uint64_t bytes) { words.feed(text_of(text, bytes)); }

    void count(const std::uint8_t *word, std::uint64_t bytes, std::uint64_t *times) const {
        *times = words.count(text_of(word, bytes));
    }

    void totals(std::uint64_t *all, std::uint64_t *different) const { words.totals(all, different); }

    // --- health: the host, now and then; what is thrown here says why this build is not fit to serve ---

    void check_health(std::uint32_t depth) const {
        if (depth >= HOTGRAFT_HEALTH_FULL) {
            words.check();
        }
    }

    // What an exception said goes to the host's log; the caller gets the status.
    void complain(const char *what) const noexcept {
        host->log(host->ctx, HOTGRAFT_LOG_WARNING, what, std::strlen(what));
    }

    static std::string_view text_of(const std::uint8_t *bytes, std::uint64_t count) {
        return {reinterpret_cast<const char *>(bytes), count};
    }
};

namespace {

// --- state: the host, while no call is inside ---
// word/0, count/0, word/1, count/1, … in byte order. The word is a value and not a key: a key must be UTF-8.

constexpr std::uint32_t kSchema = 1;

hotgraft_status put_word(const hotgraft_sink &sink, const std::string &number, const std::string &word,
                         std::uint64_t times) {
    const hotgraft_status status =
        sink.put(sink.ctx, ("word/" + number).c_str(), HOTGRAFT_VALUE_BYTES, word.data(), word.size());
    return status < 0 ? status
                      : sink.put(sink.ctx, ("count/" + number).c_str(), HOTGRAFT_VALUE_I64, &times, sizeof times);
}

hotgraft_status save(hotgraft_instance *instance, const hotgraft_sink *sink, hotgraft_error *) noexcept {
    return hotgraft_bound::as_status(*instance, [&] {
        std::uint64_t index = 0;
        hotgraft_status status = HOTGRAFT_OK;
        for (const auto &[word, times] : instance->words.all()) {
            status = put_word(*sink, std::to_string(index++), word, times);
            if (status < 0) {
                break;
            }
        }
        return status;
    });
}

// HOTGRAFT_E_UNSUPPORTED: there is no word of that number.
hotgraft_status get_word(const hotgraft_source &source, const std::string &number, Words &words) {
    const void *word = nullptr;
    const void *times = nullptr;
    std::uint64_t bytes = 0;
    std::uint64_t eight = 0;
    hotgraft_status status =
        source.get(source.ctx, ("word/" + number).c_str(), HOTGRAFT_VALUE_BYTES, nullptr, &word, &bytes);
    if (status >= 0) {
        status = source.get(source.ctx, ("count/" + number).c_str(), HOTGRAFT_VALUE_I64, nullptr, &times, &eight);
    }
    if (status >= 0) {
        words.add({static_cast<const char *>(word), bytes}, *static_cast<const std::uint64_t *>(times));
    }
    return status;
}

hotgraft_status restore(hotgraft_instance *instance, std::uint32_t schema, const hotgraft_source *source,
                        hotgraft_error *) noexcept {
    if (schema != kSchema) {
        return HOTGRAFT_E_STATE_VERSION;
    }
    return hotgraft_bound::as_status(*instance, [&] {
        hotgraft_status status = HOTGRAFT_OK;
        for (std::uint64_t index = 0; status >= 0; index++) {
            status = get_word(*source, std::to_string(index), instance->words);
        }
        return status == HOTGRAFT_E_UNSUPPORTED ? HOTGRAFT_OK : status; // the first that is absent is the end
    });
}

const hotgraft_ext_state state_extension = {
    sizeof(hotgraft_ext_state), kSchema, 0, save, restore, nullptr, nullptr,
};

constexpr hotgraft_ext_health health_extension = hotgraft_bound::health_of<hotgraft_instance>();

// --- the instance ---

hotgraft_status create(const hotgraft_host *host, const hotgraft_str *, hotgraft_instance **instance,
                       hotgraft_error *) noexcept {
    auto *const made = new (std::nothrow) hotgraft_instance{host, {}};
    if (made == nullptr) {
        return HOTGRAFT_E_NOMEM;
    }
    *instance = made;
    return HOTGRAFT_OK;
}

void destroy(hotgraft_instance *instance) noexcept {
    delete instance;
}

const void *get_interface(hotgraft_instance *instance, const char *id, void **self) noexcept {
    static const textstats_v1 table = textstats_v1_of<hotgraft_instance>();
    *self = instance;
    return std::strcmp(id, "textstats/1") == 0 ? &table : nullptr;
}

const void *get_extension(const char *id) noexcept {
    if (std::strcmp(id, HOTGRAFT_EXT_HEALTH) == 0) {
        return &health_extension;
    }
    return std::strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state_extension : nullptr;
}

const hotgraft_plugin plugin = {
    sizeof(hotgraft_plugin),
    HOTGRAFT_ABI_MINOR,
    hotgraft_descriptor,
    sizeof hotgraft_descriptor,
    nullptr, // imports: none
    0,
    create,
    nullptr, // start, quiesce, resume: nothing to do there
    nullptr,
    nullptr,
    destroy,
    get_interface,
    get_extension,
};

} // namespace

// Nothing here needs more than minor 0.
const hotgraft_plugin *hotgraft_plugin_v1(std::uint32_t) noexcept {
    return &plugin;
}
