// Text for a report written in a signal handler: a buffer of fixed size, no memory, no locale, no lock.
#ifndef HOTGRAFT_CORE_CRASH_TEXT_HPP
#define HOTGRAFT_CORE_CRASH_TEXT_HPP

#include <cstddef>
#include <cstdint>

namespace hotgraft {

// Async-signal-safe. What does not fit is cut.
class CrashText {
public:
    CrashText &add(const char *text) noexcept {
        while (text != nullptr && *text != '\0') {
            put(*text++);
        }
        return *this;
    }
    CrashText &add(const char *text, std::size_t bytes) noexcept {
        for (std::size_t i = 0; i < bytes; ++i) {
            put(text[i]);
        }
        return *this;
    }
    CrashText &add_number(std::uint64_t value) noexcept { return add_digits(value, 10); }
    CrashText &add_hex(std::uint64_t value) noexcept { return add("0x").add_digits(value, 16); }

    [[nodiscard]] const char *data() const noexcept { return text_; } // terminated
    [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
    void clear() noexcept {
        bytes_ = 0;
        text_[0] = '\0';
    }

private:
    void put(char one) noexcept {
        if (bytes_ + 1 < sizeof text_) {
            text_[bytes_++] = one;
            text_[bytes_] = '\0';
        }
    }
    CrashText &add_digits(std::uint64_t value, std::uint64_t base) noexcept {
        char digits[20];
        std::size_t count = 0;
        do {
            digits[count++] = "0123456789abcdef"[value % base];
            value /= base;
        } while (value != 0);
        while (count > 0) {
            put(digits[--count]);
        }
        return *this;
    }

    char text_[6144] = {};
    std::size_t bytes_ = 0;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CRASH_TEXT_HPP
