// A core object in its holder, made a Python object.
#ifndef HOTGRAFT_BINDINGS_CONTROL_HELD_HPP
#define HOTGRAFT_BINDINGS_CONTROL_HELD_HPP

#include <typeinfo>

#include <pybind11/pybind11.h>

namespace hotgraft {

// What pybind11 does with a shared_ptr or unique_ptr that is returned, except that the object owns nothing until its
// holder is in place. pybind11's own, where it finds no memory to register the object, deletes what the holder owns as
// well.
template <class Holder> pybind11::object held(Holder holder) {
    namespace detail = pybind11::detail;
    const detail::type_info *const type = detail::get_type_info(typeid(typename Holder::element_type));
    return pybind11::reinterpret_steal<pybind11::object>(detail::type_caster_generic::cast(
        holder.get(), pybind11::return_value_policy::reference, {}, type, nullptr, nullptr, &holder));
}

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CONTROL_HELD_HPP
