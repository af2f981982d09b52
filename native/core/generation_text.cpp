#include "generation_text.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hotgraft {

namespace {

struct LeadByte {
    std::size_t bytes; // of the whole character; 0: not a lead byte
    unsigned char low; // bounds of the second byte
    unsigned char high;
};

// RFC 3629 section 4: the second byte's bounds keep out overlong forms, surrogates and what is above U+10FFFF.
LeadByte read_lead(unsigned char byte) noexcept {
    if (byte < 0x80) {
        return {1, 0, 0};
    }
    if (byte >= 0xC2 && byte <= 0xDF) {
        return {2, 0x80, 0xBF};
    }
    if (byte >= 0xE0 && byte <= 0xEF) {
        return {3, static_cast<unsigned char>(byte == 0xE0 ? 0xA0 : 0x80),
                static_cast<unsigned char>(byte == 0xED ? 0x9F : 0xBF)};
    }
    if (byte >= 0xF0 && byte <= 0xF4) {
        return {4, static_cast<unsigned char>(byte == 0xF0 ? 0x90 : 0x80),
                static_cast<unsigned char>(byte == 0xF4 ? 0x8F : 0xBF)};
    }
    return {0, 0, 0};
}

// Bytes of the character that `text` starts with; 0 when it starts with none.
std::size_t character_bytes(std::string_view text) noexcept {
    const LeadByte lead = read_lead(static_cast<unsigned char>(text.front()));
    if (lead.bytes > text.size()) {
        return 0;
    }
    for (std::size_t i = 1; i < lead.bytes; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const unsigned char low = i == 1 ? lead.low : 0x80;
        const unsigned char high = i == 1 ? lead.high : 0xBF;
        if (byte < low || byte > high) {
            return 0;
        }
    }
    return lead.bytes;
}

// A terminated string in `field`, or all of it if the plugin wrote over the terminator; control characters as spaces.
template <std::size_t size> std::string read_field(const char (&field)[size]) {
    std::string text = valid_utf8({field, ::strnlen(field, size)});
    for (char &c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            c = ' ';
        }
    }
    return text;
}

} // namespace

namespace {

template <class Word> Word word_at(const char *at) noexcept {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

// Are all of its bytes, at least one word of them, ASCII? The last word may reach back over some.
template <class Word> bool is_ascii_by(std::string_view text) noexcept {
    constexpr auto kHigh = static_cast<Word>(0x8080808080808080);
    for (std::size_t at = 0; at + sizeof(Word) < text.size(); at += sizeof(Word)) {
        if ((word_at<Word>(text.data() + at) & kHigh) != 0) {
            return false;
        }
    }
    return (word_at<Word>(text.data() + text.size() - sizeof(Word)) & kHigh) == 0;
}

// Most of what is asked about.
bool is_ascii(std::string_view text) noexcept {
    if (text.size() >= sizeof(std::uint64_t)) {
        return is_ascii_by<std::uint64_t>(text);
    }
    return text.size() >= sizeof(std::uint32_t) ? is_ascii_by<std::uint32_t>(text) : false;
}

} // namespace

bool is_utf8(std::string_view text) noexcept {
    if (is_ascii(text)) {
        return true;
    }
    while (!text.empty()) {
        const std::size_t bytes = character_bytes(text);
        if (bytes == 0) {
            return false;
        }
        text.remove_prefix(bytes);
    }
    return true;
}

std::string valid_utf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const std::size_t bytes = character_bytes(text);
        valid.append(bytes == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, bytes));
        text.remove_prefix(bytes == 0 ? 1 : bytes);
    }
    return valid;
}

const char *name_of_status(hotgraft_status status) noexcept {
    switch (status) {
    case HOTGRAFT_OK:
        return "ok";
    case HOTGRAFT_AGAIN:
        return "again";
    case HOTGRAFT_E_UNSUPPORTED:
        return "unsupported";
    case HOTGRAFT_E_INVALID:
        return "invalid";
    case HOTGRAFT_E_STATE_VERSION:
        return "state version";
    case HOTGRAFT_E_CANCELLED:
        return "cancelled";
    case HOTGRAFT_E_NOMEM:
        return "no memory";
    case HOTGRAFT_E_BACKPRESSURE:
        return "backpressure";
    case HOTGRAFT_E_UNAVAILABLE:
        return "unavailable";
    default:
        return status > 0 ? "ok" : "failed";
    }
}

std::string quote(hotgraft_status status, const hotgraft_error &error) {
    std::string text = "answered " + std::to_string(status) + " (" + name_of_status(status) + ")";
    const std::string message = read_field(error.message);
    const std::string domain = read_field(error.domain);
    text += message.empty() ? " and gave no reason" : ": \"" + message + "\"";
    if (!domain.empty() || error.code != 0) {
        text += " (" + (domain.empty() ? std::string("code") : domain) + " " + std::to_string(error.code) + ")";
    }
    return text;
}

} // namespace hotgraft
