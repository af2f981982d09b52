// Random trees of values, saved and walked through at random, against a model of plain vectors.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "keyed_pair.hpp"

using namespace hotgraft;

namespace {

using Random = std::mt19937_64;

// A number, text, a map or an array.
struct Node {
    std::uint32_t type = HOTGRAFT_VALUE_I64;
    std::int64_t number = 0;
    std::string text;
    std::vector<std::string> keys; // of a map: text, or a number as text
    std::vector<Node> values;
};

bool is_number(const std::string &key) {
    return !key.empty() && key[0] >= '0' && key[0] <= '9';
}

Key key_of(const std::string &key) {
    return is_number(key) ? Key(std::stoi(key)) : Key(key);
}

std::string random_key(Random &random, bool is_top, std::size_t place) {
    const std::string name = std::to_string(random() % 1'000 * 100 + place); // no two are the same
    return !is_top && random() % 2 == 0 ? name : "k" + name;
}

Node random_node(Random &random, int depth) {
    Node node;
    switch (depth == 0 ? 9 : depth > 5 ? random() % 5 : random() % 10) {
    case 0:
    case 1:
        node.number = static_cast<std::int64_t>(random() >> random() % 64);
        return node;
    case 2:
        node.type = HOTGRAFT_VALUE_TEXT;
        node.text = std::string(random() % 40, 't');
        return node;
    case 3:
        node.type = HOTGRAFT_VALUE_BYTES;
        node.text = std::string(random() % 8 == 0 ? 4'096 + random() % 100 : random() % 300, 'b');
        return node;
    case 4:
    case 5:
    case 6:
        node.type = HOTGRAFT_VALUE_ARRAY;
        break;
    default:
        node.type = HOTGRAFT_VALUE_MAP;
    }
    for (std::size_t left = random() % 6 + (depth == 0 ? 3 : 0); left > 0; --left) {
        if (node.type == HOTGRAFT_VALUE_MAP) {
            node.keys.push_back(random_key(random, depth == 0, node.keys.size()));
        }
        node.values.push_back(random_node(random, depth + 1));
    }
    return node;
}

void put_inside(Sink &sink, const Node &node);

void put(Sink &sink, const Sink::Where &key, const Node &node) {
    switch (node.type) {
    case HOTGRAFT_VALUE_I64:
        REQUIRE(sink.i64(key, node.number) == HOTGRAFT_OK);
        break;
    case HOTGRAFT_VALUE_TEXT:
        REQUIRE(sink.text(key, node.text) == HOTGRAFT_OK);
        break;
    case HOTGRAFT_VALUE_BYTES:
        REQUIRE(sink.bytes(key, node.text) == HOTGRAFT_OK);
        break;
    default:
        REQUIRE(sink.open(key, node.type) == HOTGRAFT_OK);
        put_inside(sink, node);
        REQUIRE(sink.close() == HOTGRAFT_OK);
    }
}

void put_inside(Sink &sink, const Node &node) {
    for (std::size_t i = 0; i < node.values.size(); ++i) {
        if (node.type == HOTGRAFT_VALUE_MAP) {
            put(sink, key_of(node.keys[i]), node.values[i]);
        } else {
            put(sink, std::nullopt, node.values[i]);
        }
    }
}

void check_shown(const Source &source, const Node &parent, std::size_t place) {
    const Node &node = parent.values[place];
    REQUIRE(source.item.type == node.type);
    if (parent.type == HOTGRAFT_VALUE_MAP) {
        REQUIRE(source.key() == parent.keys[place]);
    }
    if (node.type == HOTGRAFT_VALUE_I64) {
        REQUIRE(source.item.number == node.number);
    } else if (node.type == HOTGRAFT_VALUE_MAP || node.type == HOTGRAFT_VALUE_ARRAY) {
        REQUIRE(source.item.len == node.values.size());
    } else {
        REQUIRE(source.text() == node.text);
    }
}

// As a restore might go about it that looks for this, skips that and leaves early.
void walk(Source &source, const Node &node, Random &random, int *steps) {
    const Node *shown = nullptr;
    std::size_t place = 0; // of what next shows
    while (random() % 12 != 0 && --*steps > 0) {
        const std::uint64_t choice = random() % 8;
        if (shown != nullptr && choice < 3) {
            REQUIRE(source.open() == HOTGRAFT_OK);
            walk(source, *shown, random, steps);
            REQUIRE(source.close() == HOTGRAFT_OK);
            shown = nullptr;
            continue;
        }
        if (node.type == HOTGRAFT_VALUE_MAP && choice == 3) {
            REQUIRE(source.find("absent") == HOTGRAFT_E_UNSUPPORTED); // nothing has moved
            continue;
        }
        if (node.type == HOTGRAFT_VALUE_MAP && choice == 4 && !node.keys.empty()) {
            place = random() % node.keys.size();
            REQUIRE(source.find(key_of(node.keys[place])) == HOTGRAFT_OK);
        } else if (place == node.values.size()) {
            REQUIRE(source.next() == HOTGRAFT_E_UNSUPPORTED);
            continue;
        } else {
            REQUIRE(source.next() == HOTGRAFT_OK);
        }
        check_shown(source, node, place);
        const Node &value = node.values[place++];
        const bool is_opened = value.type == HOTGRAFT_VALUE_MAP || value.type == HOTGRAFT_VALUE_ARRAY;
        shown = is_opened ? &value : nullptr;
    }
}

} // namespace

TEST_CASE("whatever way a restore takes through a saved state, it sees what was put there") {
    Random random(11); // NOLINT(cert-msc51-cpp): the same every time
    for (int tree = 0; tree < 300; ++tree) {
        CAPTURE(tree);
        const Node top = random_node(random, 0);
        Sink sink;
        put_inside(sink, top);
        REQUIRE(sink.state.finish().is_ok());
        const std::string bytes = bytes_of(sink.state);
        KeyedState copy; // laid out anew
        REQUIRE(copy.read(bytes.data(), bytes.size()).is_ok());
        for (const KeyedState *const state : {&sink.state, &copy}) {
            for (int round = 0; round < 3; ++round) {
                Source source(*state);
                int steps = 200;
                walk(source, top, random, &steps);
            }
        }
    }
}
