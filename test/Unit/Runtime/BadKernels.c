// Code objects that the loader must refuse; see CMakeLists.txt.
#if defined(CONSTRUCTOR)
static volatile int started; // volatile: clang would run a plain store at compile time
__attribute__((constructor)) void start(void) { started = 1; }
int kernel(void) { return started; }
#elif defined(THREAD_LOCAL)
__thread int perThread;
int kernel(void) { return ++perThread; }
#elif defined(FOREIGN_IMPORT)
int system(const char *command);
int kernel(void) { return system("true"); }
#endif
