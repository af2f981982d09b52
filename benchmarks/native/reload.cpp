// The core's part of a reload beside the bare loader. A line per sample, microseconds: bare, core, and both again.
//
//     reload FOLDER PROVIDER.so SAMPLES
//
// Core: copy, hash, inspect, dlopen, table, publish, and dlclose of what was replaced, one after another on one thread,
// the check that the mapped file is the staged copy included. The proof that the old one is gone, and deleting its
// copy, come between two samples. Bare: dlopen, dlsym, one call, dlclose of the same image. FOLDER and the image lie on
// the file system that is measured. What a host does around it, and the proof, are in whole.c.
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <memory>
#include <string>
#include <utility>

#include "core.hpp"
#include "guard.hpp"
#include "library.hpp"
#include "provider/provider.h"
#include "slot.hpp"
#include "staging.hpp"
#include "table.hpp"

namespace {

hotgraft_entry_fn entry_from(void *symbol) {
    hotgraft_entry_fn entry = nullptr;
    std::memcpy(&entry, &symbol, sizeof entry);
    return entry;
}

// What serves: its library, and the table that leads into it.
struct Serving {
    std::unique_ptr<hotgraft::Library> library;
    std::unique_ptr<hotgraft::Table> table;
};

class Reloading {
public:
    Reloading(const char *folder, const char *image) : folder_(folder), image_(image), slot_("provider/1") {
        serving_ = bring_up();
    }

    double bare_us() const {
        const std::int64_t began_ns = now_ns();
        void *const library = dlopen(image_.c_str(), RTLD_NOW | RTLD_LOCAL);
        void *const symbol = library == nullptr ? nullptr : dlsym(library, "hotgraft_plugin_v1");
        if (symbol == nullptr) {
            fail(dlerror());
        }
        if (entry_from(symbol)(0) == nullptr || dlclose(library) != 0) {
            fail("the image does not answer");
        }
        return static_cast<double>(now_ns() - began_ns) / 1e3;
    }

    double reload_us() {
        const std::int64_t began_ns = now_ns();
        Serving old = std::exchange(serving_, bring_up());
        old.library->let_go();
        const double took_us = static_cast<double>(now_ns() - began_ns) / 1e3;
        const hotgraft::Proof proof = old.library->prove();
        if (!proof.proven) {
            fail(proof.reason.c_str());
        }
        return took_us;
    }

private:
    Serving bring_up() {
        hotgraft::Staged staged;
        hotgraft::ImageFacts facts;
        Serving next;
        check(hotgraft::stage({image_, folder_, "provider", ++generation_}, &staged, &facts));
        check(hotgraft::Library::open(staged, std::move(facts), &next.library));
        next.table = table_of(*next.library);
        check(hotgraft::Guards::instance().publish_open(slot_, next.table->get()));
        return next;
    }

    std::unique_ptr<hotgraft::Table> table_of(const hotgraft::Library &library) const {
        void *symbol = nullptr;
        void *self = nullptr;
        check(library.symbol("hotgraft_plugin_v1", &symbol));
        const hotgraft_plugin *const plugin = entry_from(symbol)(HOTGRAFT_ABI_MINOR);
        const void *const interface = plugin->get_interface(nullptr, slot_.name().c_str(), &self);
        return hotgraft::Table::make(interface, 0, 1U << 16, generation_, self, 0, slot_.name());
    }

    const std::string folder_;
    const std::string image_;
    hotgraft::Slot slot_;
    std::uint64_t generation_ = 0;
    Serving serving_;
};

} // namespace

int main(int argc, char **argv) {
    if (argc != 4) {
        fail("usage: reload FOLDER PROVIDER.so SAMPLES");
    }
    Reloading reloading(argv[1], argv[2]);
    take_turns([](void *subject) { return static_cast<Reloading *>(subject)->bare_us(); },
               [](void *subject) { return static_cast<Reloading *>(subject)->reload_us(); }, &reloading,
               std::strtol(argv[3], nullptr, 10));
    return 0;
}
