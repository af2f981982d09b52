#include "call_type.hpp"

#include <algorithm>
#include <new>

#include "call_descriptor.hpp"
#include "call_thunks.hpp"

namespace hotgraft {
namespace {

constexpr const char *kCapsule = "hotgraft._core.call_type"; // and, in the type's dict, the attribute:
constexpr const char *kAttribute = "_call_type";

void drop_capsule(PyObject *capsule) {
    delete static_cast<std::shared_ptr<const CallType> *>(PyCapsule_GetPointer(capsule, kCapsule));
}

// What make_call_type was asked for.
struct Wish {
    std::string plugin;
    std::vector<std::shared_ptr<Function>> functions;
    PyObject *bases; // owned, a tuple that holds CallBase or a subclass
    std::vector<std::string> faults;
};

bool raise_faults(const Wish &wish) {
    std::string text = wish.plugin + ": could not make its call type; nothing changed";
    for (const std::string &fault : wish.faults) {
        text += "\n  - " + fault;
    }
    PyErr_SetString(PyExc_ValueError, text.c_str());
    return false;
}

// The bases as given, with CallBase at the end if none of them is one. New reference.
PyObject *complete_bases(PyObject *given) {
    PyObject *const base = reinterpret_cast<PyObject *>(call_base());
    for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(given); ++index) {
        PyObject *const type = PyTuple_GET_ITEM(given, index);
        if (PyType_Check(type) == 0) {
            PyErr_Format(PyExc_TypeError, "make_call_type takes bases that are types, got %R", type);
            return nullptr;
        }
        if (PyType_IsSubtype(reinterpret_cast<PyTypeObject *>(type), call_base()) != 0) {
            return Py_NewRef(given);
        }
    }
    PyObject *end = PyTuple_Pack(1, base);
    PyObject *all = end != nullptr ? PySequence_Concat(given, end) : nullptr;
    Py_XDECREF(end);
    return all;
}

void check_names(Wish &wish) {
    for (std::size_t index = 0; index < wish.functions.size(); ++index) {
        const std::string &name = wish.functions[index]->name;
        for (std::size_t before = 0; before < index; ++before) {
            if (wish.functions[before]->name == name) {
                wish.faults.push_back("function \"" + name + "\" is offered by interface " +
                                      std::to_string(wish.functions[before]->interface_index) + " and by interface " +
                                      std::to_string(wish.functions[index]->interface_index) + " of it");
            }
        }
        for (Py_ssize_t base = 0; base < PyTuple_GET_SIZE(wish.bases); ++base) {
            if (PyObject_HasAttrString(PyTuple_GET_ITEM(wish.bases, base), name.c_str()) != 0) {
                std::string &fault = wish.faults.emplace_back("function \"");
                fault.append(name).append("\" would hide the handle's own \"").append(name).append("\"; rename it");
                break;
            }
        }
    }
}

bool read_wish(Wish &wish, PyObject *functions, PyObject *structs) {
    PyObject *list = PySequence_Fast(functions, "make_call_type takes a list of function dicts");
    if (list == nullptr) {
        return false;
    }
    for (Py_ssize_t index = 0; index < PySequence_Fast_GET_SIZE(list); ++index) {
        PyObject *const description = PySequence_Fast_GET_ITEM(list, index);
        wish.functions.push_back(read_function(wish.plugin, description, structs, wish.faults));
        wish.functions.back()->is_dirty = makes_dirty_types();
    }
    Py_DECREF(list);
    check_names(wish);
    return wish.faults.empty() || raise_faults(wish);
}

// Each function at the place it had; what is new comes after all that ever was.
bool assign_places(Wish &wish, const CallType *previous, CallType &made) {
    if (previous != nullptr) {
        made.places = previous->places;
        made.interfaces = previous->interfaces;
        std::for_each(made.places.begin(), made.places.end(), [](CallType::Place &place) { place.is_gone = true; });
    }
    for (const std::shared_ptr<Function> &function : wish.functions) {
        const auto is_it = [&](const CallType::Place &place) { return place.function->is_same_call(*function); };
        const std::vector<CallType::Place>::iterator found =
            std::find_if(made.places.begin(), made.places.end(), is_it);
        if (found != made.places.end()) {
            *found = {function, false};
        } else {
            made.places.push_back({function, false});
        }
        made.interfaces = std::max(made.interfaces, std::size_t{function->interface_index} + 1);
    }
    if (made.places.size() > kMaxPlaces) {
        wish.faults.push_back("it has had " + std::to_string(made.places.size()) +
                              " different functions so far, and a call type has room for " +
                              std::to_string(kMaxPlaces));
        return raise_faults(wish);
    }
    return true;
}

bool is_same_set(const CallType &made, const CallType &previous) {
    return made.places.size() == previous.places.size() &&
           std::equal(
               made.places.begin(), made.places.end(), previous.places.begin(),
               [](const CallType::Place &left, const CallType::Place &right) { return left.is_gone == right.is_gone; });
}

void write_methods(CallType &made) {
    for (std::size_t place = 0; place < made.places.size(); ++place) {
        if (!made.places[place].is_gone) {
            made.methods.push_back(method_for(*made.places[place].function, place));
        }
    }
    made.methods.push_back({nullptr, nullptr, 0, nullptr});
}

// The type itself, which keeps `made` alive.
PyObject *make_type(const std::shared_ptr<CallType> &made, PyObject *bases) {
    const std::string name = "hotgraft." + made->plugin;
    PyType_Slot slots[] = {{Py_tp_methods, made->methods.data()}, {0, nullptr}};
    PyType_Spec spec = {name.c_str(), 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    PyObject *type = PyType_FromSpecWithBases(&spec, bases);
    if (type == nullptr) {
        return nullptr;
    }
    std::shared_ptr<const CallType> *held = new std::shared_ptr<const CallType>(made);
    PyObject *capsule = PyCapsule_New(held, kCapsule, drop_capsule);
    if (capsule == nullptr) {
        delete held;
    }
    if (capsule == nullptr || PyObject_SetAttrString(type, kAttribute, capsule) != 0) {
        Py_CLEAR(type);
    }
    Py_XDECREF(capsule);
    if (type != nullptr) {
        change_only_by_retype(reinterpret_cast<PyTypeObject *>(type), true);
    }
    return type;
}

PyObject *make(Wish &wish, PyTypeObject *previous) {
    std::shared_ptr<const CallType> before;
    if (previous != nullptr) {
        before = call_type_of(previous);
        if (before == nullptr) {
            return nullptr;
        }
    }
    const std::shared_ptr<CallType> made = std::make_shared<CallType>();
    made->plugin = wish.plugin;
    if (!assign_places(wish, before.get(), *made)) {
        return nullptr;
    }
    if (before != nullptr && is_same_set(*made, *before)) {
        const int is_equal = PyObject_RichCompareBool(previous->tp_bases, wish.bases, Py_EQ);
        if (is_equal != 0) {
            return is_equal > 0 ? Py_NewRef(reinterpret_cast<PyObject *>(previous)) : nullptr;
        }
    }
    write_methods(*made);
    return make_type(made, wish.bases);
}

} // namespace

void change_only_by_retype(PyTypeObject *type, bool is_fixed) {
    type->tp_flags = is_fixed ? type->tp_flags | Py_TPFLAGS_IMMUTABLETYPE : type->tp_flags & ~Py_TPFLAGS_IMMUTABLETYPE;
}

bool &makes_dirty_types() {
    static bool makes = false;
    return makes;
}

PyObject *make_call_type(PyObject *, PyObject *args, PyObject *keywords) {
    static const char *names[] = {"name", "functions", "bases", "structs", "previous", nullptr};
    const char *name = nullptr;
    PyObject *functions = nullptr;
    PyObject *bases = nullptr;
    PyObject *structs = nullptr;
    PyObject *previous = Py_None;
    if (PyArg_ParseTupleAndKeywords(args, keywords, "sOO!|O!O:make_call_type", const_cast<char **>(names), &name,
                                    &functions, &PyTuple_Type, &bases, &PyDict_Type, &structs, &previous) == 0) {
        return nullptr;
    }
    if (previous != Py_None && PyType_Check(previous) == 0) {
        PyErr_Format(PyExc_TypeError, "make_call_type takes a call type as previous, got %R", previous);
        return nullptr;
    }
    PyObject *const all_bases = complete_bases(bases);
    PyObject *made = nullptr;
    try {
        Wish wish{name, {}, all_bases, {}};
        if (wish.bases != nullptr && read_wish(wish, functions, structs)) {
            made = make(wish, previous == Py_None ? nullptr : reinterpret_cast<PyTypeObject *>(previous));
        }
    } catch (const std::bad_alloc &) { // CPython called us: nothing may be thrown on
        PyErr_NoMemory();
    }
    Py_XDECREF(all_bases);
    return made;
}

std::shared_ptr<const CallType> call_type_of(PyTypeObject *type) {
    PyObject *capsule = PyObject_GetAttrString(reinterpret_cast<PyObject *>(type), kAttribute);
    void *held =
        capsule != nullptr && PyCapsule_CheckExact(capsule) != 0 ? PyCapsule_GetPointer(capsule, kCapsule) : nullptr;
    std::shared_ptr<const CallType> found;
    if (held != nullptr) {
        found = *static_cast<std::shared_ptr<const CallType> *>(held);
    } else {
        PyErr_Format(PyExc_TypeError, "%s is no type made by make_call_type", type->tp_name);
    }
    Py_XDECREF(capsule);
    return found;
}

} // namespace hotgraft
