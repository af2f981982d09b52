// Sessions: kept like instances without a life of their own, and carried by the window's steps.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <hotgraft/call.h>

#include "generation_scene.hpp"
#include "guard.hpp"
#include "host_import.hpp"
#include "reclaim.hpp"
#include "swap.hpp"

using namespace hotgraft;

namespace {

struct SessionsInterface {
    std::uint32_t struct_size;
    std::int64_t (*add)(void *, std::int64_t);
    std::int64_t (*build)(void *);
};

const char *const kPlain = "-DSESSIONS_PLAIN -D_GNU_SOURCE";

InterfaceWish wish() {
    InterfaceWish made;
    made.id = "sessions/1";
    made.version = 1U << 16;
    return made;
}

// One session as a host has it: its place in what serves, and the slot in which it is called.
struct Client {
    std::size_t index = 0;
    std::shared_ptr<Slot> slot = std::make_shared<Slot>("session:sessions/1");
    hotgraft_import import{};

    std::int64_t add(std::int64_t by) {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(&import, &guard);
        REQUIRE(table != nullptr);
        const std::int64_t answer = HOTGRAFT_INTERFACE(SessionsInterface, table)->add(table->self, by);
        hotgraft_leave(&guard);
        return answer;
    }
};

const hotgraft_table *table_of(Generation &generation, std::size_t index) {
    const hotgraft_table *table = nullptr;
    const Status status = generation.make_table(index, wish(), &table);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    return table;
}

std::size_t session_of(Generation &generation, const std::string &name) {
    std::size_t index = 0;
    const Status status = generation.create_session(0, name, &index);
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    return index;
}

std::vector<std::unique_ptr<Client>> clients_of(Generation &generation, int count) {
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < count; ++i) {
        auto client = std::make_unique<Client>();
        client->index = session_of(generation, std::to_string(i));
        fill_host_import(*client->slot, &client->import);
        REQUIRE(Guards::instance().publish_open(*client->slot, table_of(generation, client->index)).is_ok());
        clients.push_back(std::move(client));
    }
    return clients;
}

std::shared_ptr<Generation> serving() {
    std::shared_ptr<Generation> generation = scene::created(scene::build("sessions.c", kPlain));
    REQUIRE(generation->start(0).is_ok());
    generation->mark_active();
    return generation;
}

SwapRequest request_for(const std::shared_ptr<Generation> &old_generation, const std::shared_ptr<Generation> &next,
                        const std::vector<std::unique_ptr<Client>> &clients) {
    SwapMember member;
    member.old_generation = old_generation;
    member.next = next;
    member.instances.push_back({0, 0});
    for (const std::unique_ptr<Client> &client : clients) {
        const std::size_t index = session_of(*next, "next");
        InstanceMove move{client->index, index, StateWay::kHandOver};
        move.is_session = true;
        member.instances.push_back(move);
        member.slots.push_back({client->slot, table_of(*next, index)});
    }
    SwapRequest request;
    request.members.push_back(member);
    request.deadline_ns = scene::in_seconds(30);
    request.undo_budget_ns = 30 * scene::kSecond;
    return request;
}

void close(const std::shared_ptr<Generation> &generation) {
    generation->mark_held();
    CHECK(Reaper::instance().retire(generation).is_ok());
    CHECK(Reaper::instance().wait_idle(scene::in_seconds(20)).is_ok());
    CHECK(generation->stage() == Stage::kUnloaded);
}

void empty(const std::vector<std::unique_ptr<Client>> &clients) {
    for (const std::unique_ptr<Client> &client : clients) {
        CHECK(Guards::instance().publish_open(*client->slot, nullptr).is_ok());
    }
}

} // namespace

TEST_CASE("a session is carried by the steps of its state, and has no quiesce and no start") {
    SwapRequest request;
    request.members.resize(1);
    request.members[0].instances.resize(3);
    for (std::size_t i : {1U, 2U}) {
        request.members[0].instances[i].is_session = true;
        request.members[0].instances[i].way = StateWay::kConvert;
    }
    request.members[0].slots.resize(3);
    std::string names;
    for (const WindowStep &step : plan_window(request)) {
        names += std::string(step_name(step.kind)) + " " + std::to_string(step.instance) + ",";
    }
    CHECK(names == "close gates 0,drain 0,quiesce 0,surrender 1,surrender 2,convert 1,convert 2,take 1,take 2,start 0,"
                   "publish 0,");
}

TEST_CASE("a session's place and tables go with it, and what is left goes before its instance") {
    const std::shared_ptr<Generation> generation = serving();
    const std::size_t first = session_of(*generation, "first");
    const std::size_t second = session_of(*generation, "second");
    CHECK(first >= kFirstSession);
    CHECK(generation->session_count() == 2);
    CHECK(generation->live_bytes() == 16);
    (void)table_of(*generation, first);
    CHECK(generation->tables().size() == 1);
    CHECK(generation->destroy_session(first).is_ok());
    CHECK(generation->tables().empty());
    CHECK(generation->live_bytes() == 8);
    CHECK(generation->destroy_session(first).code() == Code::kInvalid);
    CHECK(session_of(*generation, "third") == first);
    CHECK(generation->session_count() == 2);
    CHECK(generation->destroy_session(0).code() == Code::kInvalid); // an instance is none
    std::size_t index = 0;
    CHECK(generation->create_session(second, "of a session", &index).code() == Code::kInvalid);
    close(generation); // the plugin aborts if an instance goes before its sessions
    CHECK(generation->live_bytes() == 0);
}

TEST_CASE("many sessions keep their own numbers, and one that cannot cross has all of them put back") {
    const int count = kIsSanitized ? 200 : 2'000;
    const std::shared_ptr<Generation> old_generation = serving();
    const std::vector<std::unique_ptr<Client>> clients = clients_of(*old_generation, count);
    for (int i = 0; i < count; ++i) {
        clients[static_cast<std::size_t>(i)]->add(2 * i);
    }
    clients[100]->add(13 - 200);
    std::shared_ptr<Generation> next = scene::created(scene::build("sessions.c", kPlain));
    SwapRecord record = run_swap(request_for(old_generation, next, clients));
    CHECK_FALSE(record.is_published);
    CHECK(scene::contains(record.failure.message(), "take of session \"next\""));
    CHECK(record.after_undo.empty());
    next->mark_failed();
    CHECK(Reaper::instance().retire(next).is_ok());
    clients[100]->add(200 - 13);
    next = scene::created(scene::build("sessions.c", std::string(kPlain) + " -DSESSIONS_BUILD=2"));
    record = run_swap(request_for(old_generation, next, clients));
    CHECK_MESSAGE(record.is_published, record.failure.message());
    for (int i = 0; i < count; ++i) {
        CHECK(clients[static_cast<std::size_t>(i)]->add(0) == 2 * i);
    }
    empty(clients);
    close(old_generation);
    close(next);
}

TEST_CASE("callers of sessions wait at the gate and find their own numbers behind it") {
    const std::string image = scene::build("sessions.c", kPlain);
    std::shared_ptr<Generation> active = serving();
    const std::vector<std::unique_ptr<Client>> clients = clients_of(*active, 3);
    std::atomic<bool> stop{false};
    std::vector<std::int64_t> added(clients.size());
    std::vector<std::thread> callers;
    for (std::size_t i = 0; i < clients.size(); ++i) {
        callers.emplace_back([&, i] {
            while (!stop.load()) {
                clients[i]->add(100);
                added[i] += 100;
            }
        });
    }
    for (int i = 0; i < 10; ++i) {
        std::shared_ptr<Generation> next = scene::created(image);
        const SwapRequest request = request_for(active, next, clients);
        const SwapRecord record = run_swap(request);
        CHECK_MESSAGE(record.is_published, record.failure.message());
        for (std::size_t k = 0; k < clients.size(); ++k) {
            clients[k]->index = request.members[0].instances[k + 1].next_index;
        }
        const std::size_t extra = session_of(*next, "comes and goes"); // beside callers
        CHECK(next->destroy_session(extra).is_ok());
        close(active);
        active = next;
    }
    stop = true;
    for (std::thread &caller : callers) {
        caller.join();
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
        CHECK(clients[i]->add(0) == added[i]);
    }
    empty(clients);
    close(active);
}
