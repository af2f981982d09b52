// What it costs to save and to restore a map of many entries, as a plugin in C++ does it, beside doing the same with no
// host: walking a std::map and copying key and value of each entry; making a std::map of such a copy. A line per sample,
// nanoseconds per byte of the saved state.
//
//     saved time save|restore ENTRIES SAMPLES
//     saved count save|restore ENTRIES ROUNDS    run_saved() ROUNDS times, for callgrind to count
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "core.hpp"
#include "keyed_source.hpp"
#include "keyed_state.hpp"

namespace {

struct Entry {
    char key[15];
    unsigned char key_bytes;
    double value;
};

struct Subject {
    std::map<std::string, double> map;
    std::vector<Entry> copy;
    hotgraft::KeyedState saved;
    std::uint64_t bytes = 0;
};

hotgraft_key key_of(const std::string &text) {
    return {text.data(), text.size(), 0};
}

void must(hotgraft_status status) {
    if (status != HOTGRAFT_OK) {
        fail("a value was refused");
    }
}

// As plugins do: through the functions of the sink.
void save(const Subject &subject, hotgraft::KeyedState *out) {
    const hotgraft_sink sink = out->sink();
    const std::string name = "sums";
    const hotgraft_key key = key_of(name);
    must(sink.open(sink.ctx, &key, HOTGRAFT_VALUE_MAP, 0));
    for (const auto &[text, value] : subject.map) {
        const hotgraft_key entry = key_of(text);
        must(sink.add(sink.ctx, &entry, HOTGRAFT_VALUE_F64, &value, sizeof value));
    }
    must(sink.close(sink.ctx));
    check(out->finish());
}

std::uint64_t restore(const hotgraft::KeyedState &saved) {
    hotgraft::KeyedSource reading(saved);
    const hotgraft_source source = reading.source();
    const std::string name = "sums";
    const hotgraft_key key = key_of(name);
    hotgraft_item item{};
    item.struct_size = sizeof item;
    must(source.find(source.ctx, &key, &item));
    must(source.open(source.ctx));
    std::map<std::string, double> map;
    while (source.next(source.ctx, &item) == HOTGRAFT_OK) {
        map.emplace_hint(map.end(), std::string(item.key.text, item.key.len), item.real);
    }
    must(source.close(source.ctx));
    return map.size();
}

double per_byte(const Subject &subject, std::int64_t began_ns) {
    return static_cast<double>(now_ns() - began_ns) / static_cast<double>(subject.bytes);
}

double time_walk(void *given) {
    Subject &subject = *static_cast<Subject *>(given);
    const std::int64_t began_ns = now_ns();
    std::vector<Entry> copy;
    for (const auto &[text, value] : subject.map) {
        Entry entry;
        entry.key_bytes = static_cast<unsigned char>(text.size());
        std::memcpy(entry.key, text.data(), text.size());
        entry.value = value;
        copy.push_back(entry);
    }
    const double taken = per_byte(subject, began_ns);
    subject.copy = std::move(copy);
    return taken;
}

double time_save(void *given) {
    Subject &subject = *static_cast<Subject *>(given);
    const std::int64_t began_ns = now_ns();
    hotgraft::KeyedState saved;
    save(subject, &saved);
    const double taken = per_byte(subject, began_ns);
    subject.saved = std::move(saved);
    return taken;
}

double time_make(void *given) {
    Subject &subject = *static_cast<Subject *>(given);
    const std::int64_t began_ns = now_ns();
    std::map<std::string, double> map;
    for (const Entry &entry : subject.copy) {
        map.emplace_hint(map.end(), std::string(entry.key, entry.key_bytes), entry.value);
    }
    return per_byte(subject, began_ns);
}

double time_restore(void *given) {
    Subject &subject = *static_cast<Subject *>(given);
    const std::int64_t began_ns = now_ns();
    if (restore(subject.saved) != subject.map.size()) {
        fail("restored another map");
    }
    return per_byte(subject, began_ns);
}

} // namespace

extern "C" __attribute__((noinline)) void run_saved(void *given, bool is_save, std::uint64_t rounds) {
    Subject &subject = *static_cast<Subject *>(given);
    for (std::uint64_t i = 0; i < rounds; ++i) {
        if (is_save) {
            hotgraft::KeyedState saved;
            save(subject, &saved);
        } else {
            (void)restore(subject.saved);
        }
    }
}

int main(int count, char **arguments) {
    if (count != 5) {
        fail("usage: saved time|count save|restore ENTRIES SAMPLES|ROUNDS");
    }
    const bool is_save = std::strcmp(arguments[2], "save") == 0;
    const std::uint64_t entries = std::strtoull(arguments[3], nullptr, 10);
    const long rounds = std::strtol(arguments[4], nullptr, 10);
    Subject subject;
    for (std::uint64_t i = 0; i < entries; ++i) { // in no order of their own, as they come in
        subject.map.emplace("user-" + std::to_string((i * 2654435761 + 12345) % 1'000'003), 0.5 * static_cast<double>(i));
    }
    subject.bytes = 1;
    (void)time_save(&subject);
    subject.bytes = subject.saved.bytes();
    if (std::strcmp(arguments[1], "count") == 0) {
        run_saved(&subject, is_save, static_cast<std::uint64_t>(rounds));
        return 0;
    }
    (void)time_walk(&subject);
    take_turns(is_save ? time_walk : time_make, is_save ? time_save : time_restore, &subject, rounds);
    return 0;
}
