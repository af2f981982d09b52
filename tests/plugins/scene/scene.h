/* Interface scene/1.0, and a state of everything that fields can declare. */
#ifndef SCENE_H
#define SCENE_H

#include <hotgraft/hotgraft.h>

enum scene_kind { SCENE_BALL = 1, SCENE_BOX = 2 };

typedef struct scene_point {
    float x;
} scene_point;

typedef struct scene_particle {
    int32_t id;
    uint32_t tail_count;
    scene_point *tail HOTGRAFT_COUNTED(tail_count);
} scene_particle;

typedef struct scene_ball {
    float radius;
} scene_ball;

typedef struct scene_box {
    int32_t width;
    int32_t height;
} scene_box;

typedef union scene_shape {
    scene_ball ball HOTGRAFT_ARM(SCENE_BALL);
    scene_box box HOTGRAFT_ARM(SCENE_BOX);
} scene_shape;

typedef struct scene_state {
    int32_t count;
    uint32_t capacity; /* of particles */
    scene_particle *particles HOTGRAFT_COUNTED(count);
    uint32_t kind;
    scene_shape shape HOTGRAFT_TAGGED(kind);
    uint64_t connection HOTGRAFT_HANDLE;
} scene_state HOTGRAFT_STATE(1);

typedef struct scene_v1 {
    uint32_t struct_size;
    /* One particle more, with a tail of so many points, each as its particle's id. Its number; -1: no memory. [call] */
    int64_t (*add)(void *self, int32_t id, uint32_t tail) HOTGRAFT_SERIAL;
    /* Of the ids and the points. [call] */
    double (*sum)(void *self);
    void (*set_ball)(void *self, double radius);
    void (*set_box)(void *self, int32_t width, int32_t height);
    /* Of the shape: a box's, or minus a ball's radius. [call] */
    double (*area)(void *self);
    void (*connect)(void *self, uint64_t connection);
    uint64_t (*connection)(void *self);
    /* Spoil the state: 1 a count beyond its block, 2 one below zero, 3 a pointer that is none, 4 one into this library,
     * 5 two to one block, 6 NULL with a count, 7 a tag that says nothing; again: as it was. [call] */
    void (*spoil)(void *self, int32_t how) HOTGRAFT_SERIAL;
} scene_v1;

#endif /* SCENE_H */
