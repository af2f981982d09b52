// What it costs to save and to restore a map of many entries, as a plugin in C++ does it, beside doing the same with no
// host: copying key and value of each entry to a list; making a map of such a list. `map` is a std::map whose entries
// came in the order of their keys, as numbers are given out, `hash` a std::unordered_map whose entries came in none. A
// line per sample, nanoseconds per byte of the saved state.
//
//     saved time save|restore map|hash ENTRIES SAMPLES
//     saved count save|restore map|hash ENTRIES ROUNDS    run_saved() ROUNDS times, for callgrind to count
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <unordered_map>
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

using Tree = std::map<std::string, double>;
using Hash = std::unordered_map<std::string, double>;

template <class Map> struct Subject {
    Map map;
    std::vector<Entry> copy;
    hotgraft::KeyedState saved;
    std::uint64_t bytes = 1;
};

// A number for the next entry, of seven digits.
std::uint64_t number_of(const Tree &, std::uint64_t i) {
    return 1'000'000 + i;
}
std::uint64_t number_of(const Hash &, std::uint64_t i) {
    return 1'000'000 + (i * 2'654'435'761 + 12'345) % 1'000'003;
}

void begin(Tree *, std::uint64_t) {}
void begin(Hash *map, std::uint64_t count) {
    map->reserve(count);
}
void add(Tree *map, std::string key, double value) {
    map->emplace_hint(map->end(), std::move(key), value);
}
void add(Hash *map, std::string key, double value) {
    map->emplace(std::move(key), value);
}

hotgraft_key key_of(const std::string &text) {
    return {text.data(), text.size(), 0};
}

void must(hotgraft_status status) {
    if (status != HOTGRAFT_OK) {
        fail("a value was refused");
    }
}

// As plugins do: through the functions of the sink.
template <class Map> void save(const Subject<Map> &subject, hotgraft::KeyedState *out) {
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

// Into an instance that is fresh: what it restores it keeps.
template <class Map> void restore(const hotgraft::KeyedState &saved, Map *map) {
    hotgraft::KeyedSource reading(saved);
    const hotgraft_source source = reading.source();
    const std::string name = "sums";
    const hotgraft_key key = key_of(name);
    hotgraft_item item{};
    item.struct_size = sizeof item;
    must(source.find(source.ctx, &key, &item));
    must(source.open(source.ctx));
    begin(map, item.len);
    while (source.next(source.ctx, &item) == HOTGRAFT_OK) {
        add(map, std::string(item.key.text, item.key.len), item.real);
    }
    must(source.close(source.ctx));
}

template <class Map> double per_byte(const Subject<Map> &subject, std::int64_t began_ns) {
    return static_cast<double>(now_ns() - began_ns) / static_cast<double>(subject.bytes);
}

template <class Map> double time_walk(void *given) {
    auto &subject = *static_cast<Subject<Map> *>(given);
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

template <class Map> double time_save(void *given) {
    auto &subject = *static_cast<Subject<Map> *>(given);
    const std::int64_t began_ns = now_ns();
    hotgraft::KeyedState saved;
    save(subject, &saved);
    const double taken = per_byte(subject, began_ns);
    subject.saved = std::move(saved);
    return taken;
}

template <class Map> double time_make(void *given) {
    auto &subject = *static_cast<Subject<Map> *>(given);
    const std::int64_t began_ns = now_ns();
    Map map;
    begin(&map, subject.copy.size());
    for (const Entry &entry : subject.copy) {
        add(&map, std::string(entry.key, entry.key_bytes), entry.value);
    }
    return per_byte(subject, began_ns);
}

template <class Map> double time_restore(void *given) {
    auto &subject = *static_cast<Subject<Map> *>(given);
    Map map;
    const std::int64_t began_ns = now_ns();
    restore(subject.saved, &map);
    const double taken = per_byte(subject, began_ns); // without taking the map down, as when one is made
    if (map.size() != subject.map.size()) {
        fail("restored another map");
    }
    return taken;
}

struct Wish {
    bool is_timed = false;
    bool is_save = false;
    std::uint64_t entries = 0;
    long rounds = 0;
};

template <class Map> void run_once(void *given, bool is_save) {
    const auto &subject = *static_cast<const Subject<Map> *>(given);
    if (is_save) {
        hotgraft::KeyedState saved;
        save(subject, &saved);
    } else {
        Map map;
        restore(subject.saved, &map);
    }
}

} // namespace

extern "C" __attribute__((noinline)) void run_saved(void (*once)(void *, bool), void *subject, bool is_save,
                                                    long rounds) {
    for (long i = 0; i < rounds; ++i) {
        once(subject, is_save);
    }
}

namespace {

template <class Map> int measure(const Wish &wish) {
    Subject<Map> subject;
    for (std::uint64_t i = 0; i < wish.entries; ++i) {
        subject.map.emplace("user-" + std::to_string(number_of(subject.map, i)), 0.5 * static_cast<double>(i));
    }
    (void)time_save<Map>(&subject);
    subject.bytes = subject.saved.bytes();
    (void)time_walk<Map>(&subject);
    if (!wish.is_timed) {
        run_saved(run_once<Map>, &subject, wish.is_save, wish.rounds);
    } else if (wish.is_save) {
        take_turns(time_walk<Map>, time_save<Map>, &subject, wish.rounds);
    } else {
        take_turns(time_make<Map>, time_restore<Map>, &subject, wish.rounds);
    }
    return 0;
}

} // namespace

int main(int count, char **arguments) {
    if (count != 6) {
        fail("usage: saved time|count save|restore map|hash ENTRIES SAMPLES|ROUNDS");
    }
    Wish wish;
    wish.is_timed = std::strcmp(arguments[1], "time") == 0;
    wish.is_save = std::strcmp(arguments[2], "save") == 0;
    wish.entries = std::strtoull(arguments[4], nullptr, 10);
    wish.rounds = std::strtol(arguments[5], nullptr, 10);
    return std::strcmp(arguments[3], "map") == 0 ? measure<Tree>(wish) : measure<Hash>(wish);
}
