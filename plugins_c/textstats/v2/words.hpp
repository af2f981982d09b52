// The part that has nothing to do with plugins: a class that counts words and throws when it cannot.
#ifndef TEXTSTATS_WORDS_HPP
#define TEXTSTATS_WORDS_HPP

#include <cstdint>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

// Thread safety: every function may be called by any thread, several at once.
class Words {
public:
    static constexpr std::size_t kLongest = 200;

    // Counts nothing when a word is too long.
    void feed(std::string_view text) {
        std::map<std::string, std::uint64_t> found;
        std::size_t begin = 0;
        for (std::size_t end = 0; end <= text.size(); end++) {
            if (end < text.size() && is_part(text[end])) {
                continue;
            }
            if (end > begin) {
                found[as_key(text.substr(begin, end - begin))]++;
            }
            begin = end + 1;
        }
        for (const auto &[word, times] : found) {
            add(word, times);
        }
    }

    void add(std::string_view word, std::uint64_t times) {
        const std::string key = as_key(word);
        const std::lock_guard<std::mutex> lock(mutex_);
        counts_[key] += times;
        total_ += times;
    }

    std::uint64_t count(std::string_view word) const {
        const std::string key = as_key(word);
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = counts_.find(key);
        return found == counts_.end() ? 0 : found->second;
    }

    void totals(std::uint64_t *words, std::uint64_t *different) const {
        const std::lock_guard<std::mutex> lock(mutex_);
        *words = total_;
        *different = counts_.size();
    }

    // The word that came most often, the first of several; empty when there is none.
    std::pair<std::string, std::uint64_t> top() const {
        const std::lock_guard<std::mutex> lock(mutex_);
        std::pair<std::string, std::uint64_t> best;
        for (const auto &[word, times] : counts_) {
            if (times > best.second) {
                best = {word, times};
            }
        }
        return best;
    }

    // Throws when the counts do not add up: looks at every word.
    void check() const {
        const std::lock_guard<std::mutex> lock(mutex_);
        std::uint64_t sum = 0;
        for (const auto &[word, times] : counts_) {
            sum += times;
        }
        if (sum != total_) {
            throw std::logic_error("the counts add up to " + std::to_string(sum) + " of " + std::to_string(total_) +
                                   " words");
        }
    }

    // In byte order. Not to be called while others write.
    const std::map<std::string, std::uint64_t> &all() const { return counts_; }

private:
    static bool is_part(char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
               byte >= 0x80;
    }

    // Small letters, so that "The" and "the" are one word.
    static std::string as_key(std::string_view word) {
        if (word.size() > kLongest) {
            throw std::length_error("a word of " + std::to_string(word.size()) + " bytes: the longest has 200");
        }
        std::string key(word);
        for (char &c : key) {
            if (c >= 'A' && c <= 'Z') {
                c = static_cast<char>(c - 'A' + 'a');
            }
        }
        return key;
    }

    mutable std::mutex mutex_;
    std::map<std::string, std::uint64_t> counts_;
    std::uint64_t total_ = 0;
};

#endif // TEXTSTATS_WORDS_HPP
