// The tables a generation offers, and the meters that count the calls through them.
#include "generation.hpp"
#include "generation_instance.hpp"

namespace hotgraft {

Status Generation::interface(std::size_t index, const InterfaceWish &wish, const void **interface_struct, void **self) {
    Instance *instance = nullptr;
    if (Status status = instance_at(index, &instance); !status.is_ok()) {
        return status;
    }
    void *own_self = nullptr;
    const void *answer = entry_.functions.get_interface(instance->owner(), wish.id.c_str(), &own_self);
    if (instance->session != nullptr) {
        own_self = instance->session;
    }
    if (Status status = check_interface(*library_, wish.id, answer, wish.declared_bytes); !status.is_ok()) {
        return {status.code(), label() + ": " + status.message()};
    }
    *interface_struct = answer;
    *self = own_self;
    return {};
}

Status Generation::make_table(std::size_t index, const InterfaceWish &wish, const hotgraft_table **out) {
    if (is_out_of_service_.load(std::memory_order_acquire)) { // pairs with lose_if_away()
        return {Code::kRefused, label() + " is out of service: " + out_of_service()};
    }
    const void *interface_struct = nullptr;
    void *self = nullptr;
    if (Status status = interface(index, wish, &interface_struct, &self); !status.is_ok()) {
        return status;
    }
    Instance *session = nullptr;
    if (index >= kFirstSession) {
        if (Status status = instance_at(index, &session); !status.is_ok()) {
            return status;
        }
    }
    std::vector<std::unique_ptr<Table>> &kept = session != nullptr ? session->tables : tables_;
    const std::lock_guard<std::mutex> lock(tables_mutex_);
    const std::uint32_t meter = meter_index(session != nullptr ? session->parent_index : index);
    std::unique_ptr<Table> table =
        Table::make(interface_struct, wish.padded_bytes, wish.version, number_, self, meter, wish.id);
    if (table == nullptr) {
        return {Code::kNoMemory, label() + ": no memory for the table of " + wish.id};
    }
    kept.reserve(kept.size() + 1);
    if (session == nullptr) { // a session's may be gone before the library is: a crash in it has the address alone
        crash_image_->note_table(table->get(), table->padded_bytes() / 8 - 1, wish.id);
    }
    *out = table->get();
    kept.push_back(std::move(table));
    return {};
}

// Under tables_mutex_. No index and no memory for a meter is no reason to refuse a version: it is not metered then.
std::uint32_t Generation::meter_index(std::size_t index) {
    if (index >= meters_.size()) {
        meters_.resize(index + 1);
    }
    if (meters_[index] == nullptr) {
        meters_[index] = Meter::open();
    }
    return meters_[index] == nullptr ? 0 : meters_[index]->index();
}

std::shared_ptr<Meter> Generation::meter(std::size_t index) const {
    const std::lock_guard<std::mutex> lock(tables_mutex_);
    return index < meters_.size() ? meters_[index] : nullptr;
}

std::vector<std::shared_ptr<Meter>> Generation::meters() const {
    const std::lock_guard<std::mutex> lock(tables_mutex_);
    return meters_;
}

// Nobody holds a table any more, nor ever will.
void Generation::close_meters() noexcept {
    const std::lock_guard<std::mutex> lock(tables_mutex_);
    for (const std::shared_ptr<Meter> &meter : meters_) {
        if (meter != nullptr) {
            meter->close();
        }
    }
}

std::vector<const hotgraft_table *> Generation::tables() const {
    const std::lock_guard<std::mutex> lock(tables_mutex_);
    std::vector<const hotgraft_table *> all;
    all.reserve(tables_.size());
    for (const std::unique_ptr<Table> &table : tables_) {
        all.push_back(table->get());
    }
    books_->callbacks.append_tables(&all);
    const std::lock_guard<std::mutex> sessions(sessions_mutex_);
    for (const std::unique_ptr<Instance> &session : sessions_) {
        for (std::size_t i = 0; session != nullptr && i < session->tables.size(); ++i) {
            all.push_back(session->tables[i]->get());
        }
    }
    return all;
}

} // namespace hotgraft
