/* D07: a pthread key that destroy does not delete; its destructor would run whenever a thread ends that has touched it.
 */
#include "plain.h"

#include <pthread.h>

static pthread_key_t key;
static int is_made;

HOTGRAFT_EXPORT void end_of_thread(void *value);
void end_of_thread(void *value) {
    *(volatile int *)value = 0;
}

HOTGRAFT_EXPORT int touch(void);
int touch(void) {
    static int value;
    if (!is_made) {
        is_made = pthread_key_create(&key, end_of_thread) == 0;
    }
    return pthread_setspecific(key, &value);
}

HOTGRAFT_EXPORT void delete_key(void);
void delete_key(void) {
    pthread_key_delete(key);
}

static hotgraft_status start(hotgraft_instance *instance, hotgraft_error *error) {
    (void)instance;
    (void)error;
    return touch() == 0 ? HOTGRAFT_OK : HOTGRAFT_E_FAILED;
}

static const hotgraft_plugin plugin = {PLAIN_TABLE, .start = start};
PLAIN_ENTRY(plugin)
