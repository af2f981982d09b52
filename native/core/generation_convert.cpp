// The plugin's own converters, called on the caller's thread. No instance takes part.
#include <algorithm>

#include "generation.hpp"
#include "generation_instance.hpp"
#include "generation_text.hpp"
#include "keyed_source.hpp"

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
    if (!from.first_refusal().is_ok()) { // something was put after save had returned
        return {Code::kRefused, label() + ": " + title_of(*row) + ": " + from.first_refusal().message()};
    }
    KeyedSource reading(from);
    const hotgraft_source source = reading.source();
    to->is_put_by_converter();
    const hotgraft_sink sink = to->sink();
    const hotgraft_status status = row->convert(&source, &sink, error.get());
    if (status < 0 && to->first_refusal().is_ok()) { // as Generation::save
        return {Code::kRefused, label() + ": " + title_of(*row) + " " + quote(status, *error.get())};
    }
    if (const Status &refusal = to->finish(); !refusal.is_ok()) { // also when the plugin swallowed it
        return {Code::kRefused, label() + ": " + title_of(*row) + ": " + refusal.message()};
    }
    return {};
}

} // namespace hotgraft
