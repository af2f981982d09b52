// The plugin's own converters, called on the caller's thread. No instance takes part.
#include <algorithm>

#include "generation.hpp"
#include "generation_instance.hpp"
#include "generation_text.hpp"

namespace hotgraft {

Status Generation::convert(std::uint32_t from_schema, std::uint32_t to_schema, const KeyedState &from,
                           KeyedState *to) const {
    const auto row = std::find_if(converters_.begin(), converters_.end(), [=](const ConverterRow &it) {
        return it.from_schema == from_schema && it.to_schema == to_schema;
    });
    if (row == converters_.end()) {
        return {Code::kRefused,
                label() + " offers no converter " + std::to_string(from_schema) + "→" + std::to_string(to_schema)};
    }
    PluginError error;
    const hotgraft_source source = from.source();
    const hotgraft_sink sink = to->sink();
    const hotgraft_status status = row->convert(&source, &sink, error.get());
    if (!to->first_refusal().is_ok()) { // also when the plugin swallowed it
        return {Code::kRefused, label() + ": " + title_of(*row) + ": " + to->first_refusal().message()};
    }
    if (status < 0) {
        return {Code::kRefused, label() + ": " + title_of(*row) + " " + quote(status, *error.get())};
    }
    return {};
}

} // namespace hotgraft
