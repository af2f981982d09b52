#include "request.hpp"

#include <charconv>

namespace hotgraft {

namespace {

using Record = std::vector<std::string_view>;

// Reads `text` from the front; every read that fails leaves it failed.
class Fields {
public:
    explicit Fields(std::string_view text) : whole_(text), rest_(text) {}

    [[nodiscard]] bool is_at_end() const noexcept { return rest_.empty() || has_failed_; }
    [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }
    [[nodiscard]] std::size_t at() const noexcept { return whole_.size() - rest_.size(); }

    Record next() {
        Record record;
        const std::uint64_t count = number_until(';');
        for (std::uint64_t i = 0; i < count && !has_failed_; ++i) {
            const std::uint64_t bytes = number_until(':');
            if (has_failed_ || bytes > rest_.size()) {
                has_failed_ = true;
                break;
            }
            record.push_back(rest_.substr(0, bytes));
            rest_.remove_prefix(bytes);
        }
        return record;
    }

private:
    std::uint64_t number_until(char end) noexcept {
        std::uint64_t number = 0;
        const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
        const auto used = static_cast<std::size_t>(stop - rest_.data());
        if (error != std::errc() || used >= rest_.size() || *stop != end) {
            has_failed_ = true;
            return 0;
        }
        rest_.remove_prefix(used + 1);
        return number;
    }

    std::string_view whole_;
    std::string_view rest_;
    bool has_failed_ = false;
};

bool is(const Record &record, std::string_view word, std::size_t fields) noexcept {
    return record.size() == fields + 1 && record[0] == word;
}

template <class Number> bool read_number(std::string_view text, Number *out) noexcept {
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
    return error == std::errc() && stop == text.data() + text.size();
}

bool read_digest(std::string_view text, Sha256Digest *out) noexcept {
    if (text.size() != 2 * out->size()) {
        return false;
    }
    for (std::size_t i = 0; i < out->size(); ++i) {
        const char *const at = text.data() + 2 * i;
        if (std::from_chars(at, at + 2, (*out)[i], 16).ptr != at + 2) {
            return false;
        }
    }
    return true;
}

bool take_library(const Record &record, ProbeRequest *request) {
    ProbeLibrary library;
    library.plugin = record[1];
    library.version = record[3];
    library.source = record[4];
    library.path = record[5];
    const bool is_good = read_number(record[2], &library.generation) && read_digest(record[6], &library.sha256);
    request->libraries.push_back(std::move(library));
    return is_good;
}

bool take_of_library(const Record &record, ProbeLibrary &library) {
    if (is(record, "import", 2)) {
        library.imports.push_back({std::string(record[1]), std::string(record[2])});
        return true;
    }
    if (is(record, "instance", 2)) {
        library.instances.emplace_back();
        library.instances.back().name = record[1];
        library.instances.back().config_json = record[2];
        return true;
    }
    return false;
}

bool take_of_instance(const Record &record, ProbeInstance &instance) {
    if (is(record, "interface", 4)) {
        ProbeInterface one{std::string(record[1]), 0, 0, std::string(record[4])};
        const bool is_good = read_number(record[2], &one.version) && read_number(record[3], &one.declared_bytes);
        instance.interfaces.push_back(std::move(one));
        return is_good;
    }
    if (is(record, "block", 2)) {
        instance.state = ProbeState::kBlock;
        instance.block = record[2];
        return read_number(record[1], &instance.layout_id);
    }
    if (is(record, "may write", 0)) {
        instance.may_write = true;
        return true;
    }
    if (is(record, "pointed", 1)) {
        instance.pointed.emplace_back(record[1]);
        return true;
    }
    if (is(record, "link", 3)) {
        ProbeLink &link = instance.links.emplace_back();
        return read_number(record[1], &link.block) && read_number(record[2], &link.offset) &&
               read_number(record[3], &link.target);
    }
    if (is(record, "values", 2)) {
        instance.state = ProbeState::kValues;
        instance.values = record[2];
        return read_number(record[1], &instance.schema);
    }
    if (is(record, "converter", 2)) {
        auto &step = instance.converters.emplace_back();
        return read_number(record[1], &step.first) && read_number(record[2], &step.second);
    }
    if (is(record, "discard", 0)) {
        instance.is_discarded = true;
        return true;
    }
    return false;
}

bool take_probe(const Record &record, ProbeRequest *request) {
    request->reach = record[5] == "create" ? ProbeReach::kCreate : ProbeReach::kStart;
    return read_number(record[1], &request->parent) && read_number(record[2], &request->memory_bytes) &&
           read_number(record[3], &request->fds) && read_number(record[4], &request->cpu_s);
}

// What a record says of is what was begun last.
bool take(const Record &record, ProbeRequest *request) {
    if (is(record, "probe", 5)) {
        return take_probe(record, request);
    }
    if (is(record, "library", 6)) {
        return take_library(record, request);
    }
    if (request->libraries.empty() || record.empty()) {
        return false;
    }
    ProbeLibrary &library = request->libraries.back();
    return take_of_library(record, library) ||
           (!library.instances.empty() && take_of_instance(record, library.instances.back()));
}

} // namespace

Status read_request(std::string_view text, ProbeRequest *out) {
    ProbeRequest request;
    Fields fields(text);
    while (!fields.is_at_end()) {
        const std::size_t at = fields.at();
        const Record record = fields.next();
        if (fields.has_failed() || !take(record, &request)) {
            return {Code::kInvalid, "the request is not one at byte " + std::to_string(at)};
        }
    }
    if (request.libraries.empty()) {
        return {Code::kInvalid, "the request names no library"};
    }
    *out = std::move(request);
    return {};
}

} // namespace hotgraft
