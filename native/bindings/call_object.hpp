// An instance of a call type: for each function one cell that leads to its slot.
//
// Thread safety
//   Everything is written with the GIL held. A cell never changes and lives as long as its object: a call that has let
//   go of the GIL goes on with the cell it has.
#ifndef HOTGRAFT_BINDINGS_CALL_OBJECT_HPP
#define HOTGRAFT_BINDINGS_CALL_OBJECT_HPP

#include <memory>
#include <string>
#include <vector>

#include "call_function.hpp"
#include "call_path.hpp"

namespace hotgraft {

struct CallObject;

// What a thunk starts from.
struct Cell {
    hotgraft_import import; // its own: a pointer to one would be one more load in front of every call
    const Function *function;
    std::uint64_t table_offset; // 0: the function is gone or another, a method bound before came here
    CallObject *object;
};

// Functions, method definitions and texts of one call type. A place that holds a function of a previous type only is
// `gone`: methods bound before may still come through it.
struct CallType {
    struct Place {
        std::shared_ptr<const Function> function;
        bool is_gone = false;
    };
    std::string plugin;
    std::vector<Place> places;
    std::vector<PyMethodDef> methods; // ends with an empty one
    std::size_t interfaces = 0;       // imports that an instance needs
};

// Cells and imports belong together; those of before a retype stay until the object goes.
struct CellBlock {
    hotgraft_host host{}; // where the cold branch of the imports leads; ctx is the object
    std::vector<hotgraft_import> imports;
    std::vector<Cell> cells;
    std::shared_ptr<const CallType> type; // PyMethodDefs of methods bound to the object
    std::unique_ptr<CellBlock> older;
};

struct CallObject {
    PyObject ob_base;  // PyObject_HEAD
    const Cell *cells; // block->cells; first, for the thunks
    PyObject *owner;
    CellBlock *block;
    PyObject *weak_references;
    CallRefusal refusal;
    unsigned long retyper; // the thread that is about to retype it (call_retype.hpp); 0: nobody is
    std::string *sentence; // owned
};

// The base of all call types; made by add_call_base.
PyTypeObject *call_base();
int add_call_base(PyObject *module);
// Was it made by call_object_new?
bool is_call_object(PyObject *object);

// From the thread pointer to this thread's record: what every import made here holds.
extern const std::int64_t kRecordOffset;

// A cell's import when its interface is not bound or the object was cleared: every enter takes the cold branch and is
// refused.
const hotgraft_import *closed_import();

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_OBJECT_HPP
