// SHA-256 against the vectors of FIPS 180-4 and NIST's CAVP, and its two paths against each other.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sha256.hpp"

namespace {

using hotgraft::Sha256;
using hotgraft::Sha256Path;

std::vector<Sha256Path> paths() {
    std::vector<Sha256Path> found{Sha256Path::kPortable};
    if (hotgraft::best_sha256_path() == Sha256Path::kShaInstructions) {
        found.push_back(Sha256Path::kShaInstructions);
    }
    return found;
}

std::string hash_of(Sha256Path path, const std::string &text) {
    Sha256 hash(path);
    hash.update(text.data(), text.size());
    return hotgraft::hex_of(hash.finish());
}

// Bytes that repeat only after 251: a wrong order of blocks changes the digest.
std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>(i * 7 % 251);
    }
    return text;
}

TEST_CASE("both paths give the published digests") {
    for (const Sha256Path path : paths()) {
        CHECK(hash_of(path, "") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        CHECK(hash_of(path, "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        CHECK(hash_of(path, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        CHECK(hash_of(path, "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
                            "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu") ==
              "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
        CHECK(hash_of(path, std::string(1'000'000, 'a')) ==
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

TEST_CASE("both paths agree on every length around the block size") {
    for (std::size_t size = 0; size <= 300; ++size) {
        const std::string text = pattern(size);
        for (const Sha256Path path : paths()) {
            CHECK(hash_of(path, text) == hash_of(Sha256Path::kPortable, text));
        }
    }
}

TEST_CASE("pieces of any size give the digest of the whole") {
    const std::string text = pattern(1000);
    const std::string whole = hash_of(Sha256Path::kPortable, text);
    for (const Sha256Path path : paths()) {
        for (std::size_t piece = 1; piece <= 130; ++piece) {
            Sha256 hash(path);
            for (std::size_t at = 0; at < text.size(); at += piece) {
                hash.update(text.data() + at, std::min(piece, text.size() - at));
            }
            CHECK(hotgraft::hex_of(hash.finish()) == whole);
        }
    }
}

TEST_CASE("the default path is the best one and one call is enough") {
    const std::string text = pattern(777);
    CHECK(hotgraft::hex_of(hotgraft::sha256_of(text.data(), text.size())) == hash_of(Sha256Path::kPortable, text));
}

} // namespace
