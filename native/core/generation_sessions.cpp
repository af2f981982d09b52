// Sessions: state of its own for everybody who asks for one, kept like an instance that has no life of its own.
#include <utility>

#include "generation.hpp"
#include "generation_instance.hpp"
#include "generation_text.hpp"

namespace hotgraft {

Status Generation::create_session(std::size_t instance, const std::string &name, std::size_t *index) {
    Instance *parent = nullptr;
    if (Status status = instance_at(instance, &parent); !status.is_ok()) {
        return status;
    }
    if (session_.create == nullptr || parent->session != nullptr) {
        return {Code::kInvalid, label() + " offers no sessions"};
    }
    auto made = std::make_unique<Instance>(name, "", nullptr);
    made->parent = parent;
    made->parent_index = instance;
    {
        // The place first: what the plugin has made cannot be undone for want of memory.
        const std::lock_guard<std::mutex> lock(sessions_mutex_);
        if (sessions_.size() == sessions_.capacity()) {
            sessions_.reserve(2 * sessions_.size() + 16);
        }
        free_sessions_.reserve(sessions_.capacity());
    }
    PluginError error;
    hotgraft_session *session = nullptr;
    const hotgraft_status status = session_.create(parent->plugin, &session, error.get());
    if (status < 0) {
        return complain("create_session", *made, status, *error.get());
    }
    if (session == nullptr) {
        return {Code::kPlugin, label() + ": create_session of session \"" + name + "\" answered " +
                                   std::to_string(status) + " (" + name_of_status(status) + ") and no session"};
    }
    made->session = session;
    const std::lock_guard<std::mutex> lock(sessions_mutex_);
    if (free_sessions_.empty()) {
        *index = kFirstSession + sessions_.size();
        sessions_.push_back(std::move(made));
    } else {
        *index = kFirstSession + free_sessions_.back();
        sessions_[free_sessions_.back()] = std::move(made);
        free_sessions_.pop_back();
    }
    return {};
}

Status Generation::destroy_session(std::size_t index) {
    Instance *session = nullptr;
    if (Status status = instance_at(index, &session); !status.is_ok()) {
        return status;
    }
    if (session->session == nullptr) {
        return {Code::kInvalid, label() + ": instance " + std::to_string(index) + " is no session"};
    }
    run_destroy(*session);
    const std::lock_guard<std::mutex> lock(sessions_mutex_);
    sessions_[index - kFirstSession].reset();
    free_sessions_.push_back(index - kFirstSession); // there is room: it had a place
    return {};
}

std::size_t Generation::session_count() const {
    const std::lock_guard<std::mutex> lock(sessions_mutex_);
    return sessions_.size() - free_sessions_.size();
}

Generation::Instance *Generation::kept_at(std::size_t index) const noexcept {
    if (index < kFirstSession) {
        return instances_[index].get();
    }
    const std::lock_guard<std::mutex> lock(sessions_mutex_);
    const std::size_t place = index - kFirstSession;
    return place < sessions_.size() ? sessions_[place].get() : nullptr;
}

// With the generation; their tables stay until it is gone.
void Generation::destroy_sessions() noexcept {
    for (const std::unique_ptr<Instance> &session : sessions_) {
        if (session != nullptr && session->session != nullptr) {
            run_destroy(*session);
        }
    }
}

} // namespace hotgraft
