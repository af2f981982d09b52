// Text that comes from a plugin, made fit to be shown: valid UTF-8, of one line, of bounded length.
#ifndef HOTGRAFT_CORE_GENERATION_TEXT_HPP
#define HOTGRAFT_CORE_GENERATION_TEXT_HPP

#include <string>
#include <string_view>

#include <hotgraft/status.h>

namespace hotgraft {

// Is it UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF?
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

// The same text with U+FFFD for every byte that does not belong to a character.
[[nodiscard]] std::string valid_utf8(std::string_view text);

// What a plugin said in a hotgraft_error, whatever it did to the struct: `answered -1 (failed): "no such table" (zlib
// -3)`.
[[nodiscard]] std::string quote(hotgraft_status status, const hotgraft_error &error);

// "failed", "cancelled", …; "failed" for numbers that are not known (abi status.h).
[[nodiscard]] const char *name_of_status(hotgraft_status status) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GENERATION_TEXT_HPP
