#include "call_queue.hpp"

#include <cstring>
#include <memory>
#include <string>

#include "call_errors.hpp"
#include "call_wait.hpp"
#include "slot.hpp"

namespace hotgraft {
namespace {

constexpr const char *kCapsule = "hotgraft._core.place";

struct HeldPlace {
    PyObject *object = nullptr; // keeps the slot; NULL once the place was given back
    GateQueue *queue = nullptr;

    void give_back() {
        if (object != nullptr) {
            queue->leave();
            Py_CLEAR(object);
        }
    }
};

HeldPlace *held_place(PyObject *capsule) {
    return static_cast<HeldPlace *>(PyCapsule_GetPointer(capsule, kCapsule));
}

void end_capsule(PyObject *capsule) {
    const std::unique_ptr<HeldPlace> place(held_place(capsule));
    place->give_back();
}

// The cell of the function that `callable` calls; NULL: the plugin no longer has it.
const Cell *cell_of(const CallObject &object, PyObject *callable) {
    const char *const name = reinterpret_cast<PyCFunctionObject *>(callable)->m_ml->ml_name;
    for (const Cell &cell : object.block->cells) {
        if (cell.table_offset != 0 && cell.function->name == name) {
            return &cell;
        }
    }
    return nullptr;
}

} // namespace

PyObject *join_queue(PyObject *, PyObject *callable) {
    CallObject *const object = bound_object(callable, "join_queue");
    const Cell *const cell = object != nullptr ? cell_of(*object, callable) : nullptr;
    if (object == nullptr) {
        return nullptr;
    }
    Slot &slot = Slot::from_words((cell != nullptr ? cell->import : *closed_import()).slot);
    auto place = std::make_unique<HeldPlace>();
    std::uint32_t waiting = 0;
    const bool has_place = slot.queue().join(&waiting); // always where the function is gone: that slot has no limit
    if (!has_place && cell != nullptr) {
        return turned_away(*cell->function, slot,
                           "its gate is closed by a swap, " + std::to_string(waiting) +
                               " wait there, and its queue limit is " + std::to_string(slot.queue().limit()),
                           waiting);
    }
    place->object = Py_NewRef(reinterpret_cast<PyObject *>(object));
    place->queue = &slot.queue();
    PyObject *const capsule = PyCapsule_New(place.get(), kCapsule, end_capsule);
    if (capsule == nullptr) {
        place->give_back();
        return nullptr;
    }
    (void)place.release();
    return capsule;
}

PyObject *leave_queue(PyObject *, PyObject *capsule) {
    HeldPlace *const place = held_place(capsule);
    if (place == nullptr) {
        return nullptr;
    }
    place->give_back();
    Py_RETURN_NONE;
}

} // namespace hotgraft
