// The state of steps.c with STEPS_POINTED, and the plan that walks over it.
#ifndef TESTS_NATIVE_POINTED_STEPS_HPP
#define TESTS_NATIVE_POINTED_STEPS_HPP

#include <memory>

#include "pointed_scene.hpp"

struct PointedState {
    std::int64_t *numbers;
    std::int64_t count;
};

inline std::shared_ptr<const hotgraft::CopyProgram> walk_of_steps() {
    static const std::shared_ptr<const hotgraft::CopyProgram> program =
        program_of(plan_of(sizeof(PointedState), sizeof(PointedState),
                           {pointed_scene::pointed(0, 0, 8, Number::kI64, 8, 8, 1, 1, 2), copy(0, 0, 8), copy(8, 8, 8)},
                           {}, {"", "numbers", "count"}));
    return program;
}

#endif // TESTS_NATIVE_POINTED_STEPS_HPP
