/* A stand-in for libnvidia-ml.so.1: the functions that the NVML reader calls, with NVML's own signatures.
 *
 * What it answers stands in the file named by NVML_STAND_IN, read anew whenever it has changed; one word and its
 * values a line, the last line of a kind wins:
 *
 *     devices 2                        GPUs
 *     mig 0 3                          slices of GPU 0
 *     value energy_mj 0 12345          what a function gives for a device; slices are 100 * (GPU + 1) + slice
 *     sample0 power 1000000 312500     one of GPU 0's own samples: its time in microseconds, its value; or sample0 utilization
 *     flow power 20000                 of every GPU, a sample of 300 W (or 300 %) whenever so many microseconds are over
 *     value power_type 0 1             the type of its values, of NVML's types; of field values `field<id>_type`
 *     error nvmlDeviceGetPowerUsage 3  every call of a function fails; with a third word, for that device only
 *     hang nvmlDeviceGetPowerUsage     never returns
 *
 * OLD_DRIVER leaves out what drivers of some years ago do not have.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7 };
#define MOST 512

typedef unsigned int uint;
typedef unsigned long long ull;
typedef struct { int number; } *Device;

static struct { char kind[16], name[64]; long long at[2]; int words; } lines[MOST];
static struct { int number; } devices[MOST * 8];
static int line_count, is_open;
static long long seen_ns = -1;
static ino_t seen_file; /* two changes may come within one tick of the file system's clock */

static void load(void) {
    const char *path = getenv("NVML_STAND_IN");
    struct stat status;
    char text[256];
    FILE *file;
    if (!path || stat(path, &status)) return;
    long long changed_ns = status.st_mtim.tv_sec * 1000000000LL + status.st_mtim.tv_nsec;
    if ((changed_ns == seen_ns && status.st_ino == seen_file) || !(file = fopen(path, "r"))) return;
    seen_ns = changed_ns;
    seen_file = status.st_ino;
    for (line_count = 0; line_count < MOST && fgets(text, sizeof text, file); line_count += 1)
        lines[line_count].words = sscanf(text, "%15s %63s %lld %lld", lines[line_count].kind, lines[line_count].name,
                                         &lines[line_count].at[0], &lines[line_count].at[1]);
    fclose(file);
}

static long long count_of(const char *kind, int otherwise) {
    for (int i = line_count - 1; i >= 0; i--)
        if (!strcmp(lines[i].kind, kind)) return atoll(lines[i].name);
    return otherwise;
}

static int value(const char *name, Device device, ull *found) {
    for (int i = line_count - 1; i >= 0; i--)
        if (!strcmp(lines[i].kind, "value") && !strcmp(lines[i].name, name) && lines[i].at[0] == device->number)
            return *found = (ull)lines[i].at[1], 1;
    return 0;
}

/* What goes wrong with a call, if anything. Every function asks this first. */
static int wrong(const char *function, Device device) {
    load();
    for (int i = line_count - 1; i >= 0; i--) {
        if (strcmp(lines[i].name, function)) continue;
        if (!strcmp(lines[i].kind, "hang")) for (;;) pause();
        if (!strcmp(lines[i].kind, "error") && (lines[i].words < 4 || (device && lines[i].at[1] == device->number)))
            return (int)lines[i].at[0];
    }
    if (!is_open && strncmp(function, "nvmlInit", 8)) return UNINITIALIZED;
    return SUCCESS;
}
#define CHECK(device) do { int bad = wrong(__func__, device); if (bad) return bad; } while (0)

static Device made(int number) { devices[number].number = number; return (Device)&devices[number]; }
static int is_slice(Device device) { return device->number >= 100; }
static int give(const char *name, Device device, uint *out) {
    ull found;
    if (!value(name, device, &found)) return NOT_SUPPORTED;
    return *out = (uint)found, SUCCESS;
}
static int give_long(const char *name, Device device, ull *out) { return value(name, device, out) ? SUCCESS : NOT_SUPPORTED; }

int nvmlInitWithFlags(uint flags) { (void)flags; CHECK(NULL); is_open = 1; return SUCCESS; }
int nvmlShutdown(void) { CHECK(NULL); is_open = 0; return SUCCESS; }
const char *nvmlErrorString(int code) { static char text[32]; snprintf(text, sizeof text, "stand-in error %d", code); return text; }
int nvmlDeviceGetCount_v2(uint *count) { CHECK(NULL); *count = (uint)count_of("devices", 1); return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(uint index, Device *device) { CHECK(made((int)index)); *device = made((int)index); return SUCCESS; }
int nvmlDeviceGetUUID(Device device, char *text, uint size) {
    CHECK(device);
    snprintf(text, size, is_slice(device) ? "MIG-%d" : "GPU-%d", device->number);
    return SUCCESS;
}
int nvmlDeviceGetName(Device device, char *text, uint size) { CHECK(device); snprintf(text, size, "Stand-in 80GB"); return SUCCESS; }
int nvmlDeviceGetVirtualizationMode(Device device, ull *mode) { CHECK(device); return give_long("virtualization", device, mode); }

int nvmlDeviceGetUtilizationRates(Device device, uint *gpu_and_memory) {
    CHECK(device);
    int bad = give("utilization", device, gpu_and_memory);
    return bad ? bad : give("memory_utilization", device, gpu_and_memory + 1);
}
int nvmlDeviceGetMemoryInfo(Device device, ull *total_free_used) {
    CHECK(device);
    ull used;
    if (!value("memory_used", device, &used)) return NOT_SUPPORTED;
    total_free_used[0] = 80ULL << 30, total_free_used[1] = (80ULL << 30) - used, total_free_used[2] = used;
    return SUCCESS;
}
/* Whatever NVML may keep a value as, with garbage behind it. */
typedef union { double real; uint word; ull whole; int signed_word; unsigned short half; } Value;
static Value kept(ull value, int type) {
    Value as;
    memset(&as, 0xAA, sizeof as);
    if (type == 0) as.real = (double)value;
    else if (type == 1) as.word = (uint)value;
    else if (type == 5) as.signed_word = (int)value;
    else if (type == 6) as.half = (unsigned short)value;
    else as.whole = value;
    return as;
}
static int type_of(const char *name, Device device, int otherwise) {
    char key[40];
    ull type;
    snprintf(key, sizeof key, "%s_type", name);
    return value(key, device, &type) ? (int)type : otherwise;
}

#define BUFFER 120
typedef struct { ull time; Value value; } Sample;
/* Those that a device makes by itself, from `seen` on, as many as the buffer has room for. */
static uint flow(const char *name, ull seen, int type, Sample *found) {
    struct timespec now;
    ull period_us = 0;
    uint fresh = 0;
    for (int i = 0; i < line_count; i++)
        if (!strcmp(lines[i].kind, "flow") && !strcmp(lines[i].name, name)) period_us = (ull)lines[i].at[0];
    if (!period_us) return 0;
    clock_gettime(CLOCK_REALTIME, &now);
    ull last = ((ull)now.tv_sec * 1000000ULL + (ull)now.tv_nsec / 1000) / period_us;
    for (ull number = last - BUFFER + 1; number <= last; number++)
        if (number * period_us > seen) found[fresh++] = (Sample){number * period_us, kept(300000, type)};
    return fresh;
}
int nvmlDeviceGetSamples(Device device, int what, ull seen, int *type, uint *count, Sample *found) {
    CHECK(device);
    const char *name = what ? "utilization" : "power";
    char kind[16];
    uint known = 0, room = *count, fresh = 0;
    snprintf(kind, sizeof kind, "sample%d", device->number);
    *type = type_of(name, device, 1);
    for (int i = 0; i < line_count; i++) {
        if (strcmp(lines[i].kind, kind) || strcmp(lines[i].name, name)) continue;
        known += 1;
        if ((ull)lines[i].at[0] <= seen) continue;
        if (found && fresh < room) found[fresh] = (Sample){(ull)lines[i].at[0], kept((ull)lines[i].at[1], *type)};
        fresh += 1;
    }
    Sample flowing[BUFFER];
    if (!known && (fresh = flow(name, seen, *type, flowing))) {
        known = fresh;
        for (uint i = 0; found && i < fresh && i < room; i++) found[i] = flowing[i];
    }
    if (!known) return NOT_SUPPORTED;
    if (!fresh) return NOT_FOUND;
    *count = found ? fresh : BUFFER; /* it is asked for room first, and says how much the whole buffer takes */
    return SUCCESS;
}
int nvmlDeviceGetPowerUsage(Device device, uint *milliwatts) { CHECK(device); return give("power_mw", device, milliwatts); }
int nvmlDeviceGetEnforcedPowerLimit(Device device, uint *milliwatts) { CHECK(device); return give("limit_mw", device, milliwatts); }
int nvmlDeviceGetTemperature(Device device, int sensor, uint *celsius) { (void)sensor; CHECK(device); return give("celsius", device, celsius); }
int nvmlDeviceGetClockInfo(Device device, int type, uint *mhz) { CHECK(device); return give(type == 1 ? "sm_mhz" : "memory_mhz", device, mhz); }
int nvmlDeviceGetTotalEccErrors(Device device, int type, int counter, ull *count) {
    (void)counter;
    CHECK(device);
    return give_long(type ? "ecc_uncorrected" : "ecc_corrected", device, count);
}
int nvmlDeviceGetEncoderUtilization(Device device, uint *percent, uint *period) { CHECK(device); *period = 1; return give("encoder", device, percent); }
int nvmlDeviceGetDecoderUtilization(Device device, uint *percent, uint *period) { CHECK(device); *period = 1; return give("decoder", device, percent); }
int nvmlDeviceGetCurrentClocksThrottleReasons(Device device, ull *mask) { CHECK(device); return give_long("throttle", device, mask); }

#ifndef OLD_DRIVER
int nvmlDeviceGetTotalEnergyConsumption(Device device, ull *millijoules) { CHECK(device); return give_long("energy_mj", device, millijoules); }
int nvmlDeviceGetCurrentClocksEventReasons(Device device, ull *mask) { CHECK(device); return give_long("throttle", device, mask); }
static long long slices(int gpu) {
    for (int i = line_count - 1; i >= 0; i--)
        if (!strcmp(lines[i].kind, "mig") && atoi(lines[i].name) == gpu) return lines[i].at[0];
    return 0;
}
int nvmlDeviceGetMigMode(Device device, uint *now, uint *pending) {
    CHECK(device);
    *now = *pending = !is_slice(device) && slices(device->number) > 0;
    return SUCCESS;
}
int nvmlDeviceGetMaxMigDeviceCount(Device device, uint *count) { CHECK(device); *count = 7; return SUCCESS; }
int nvmlDeviceGetMigDeviceHandleByIndex(Device device, uint index, Device *slice) {
    CHECK(device);
    if (index >= slices(device->number)) return NOT_FOUND;
    *slice = made(100 * (device->number + 1) + (int)index);
    return SUCCESS;
}
int nvmlDeviceGetGpuInstanceId(Device device, uint *id) { CHECK(device); *id = (uint)(device->number % 100 + 1); return SUCCESS; }

int nvmlDeviceGetAttributes_v2(Device device, uint *processors_engines_and_slices) {
    CHECK(device);
    ull slices_, compute = 0, mib = 0;
    if (!value("slices", device, &slices_)) return NOT_SUPPORTED;
    value("compute_slices", device, &compute);
    value("slice_mib", device, &mib);
    processors_engines_and_slices[6] = (uint)slices_, processors_engines_and_slices[7] = (uint)compute;
    memcpy(processors_engines_and_slices + 8, &mib, sizeof mib);
    return SUCCESS;
}

typedef struct { uint pid; ull memory; uint instance, compute; } Process;
int nvmlDeviceGetComputeRunningProcesses_v3(Device device, uint *count, Process *found) {
    CHECK(device);
    ull pid;
    if (!value("pid", device, &pid)) return *count = 0, SUCCESS;
    if (!found || *count < 1) return *count = 1, INSUFFICIENT_SIZE;
    found[0] = (Process){(uint)pid, 1ULL << 30, 0, 0};
    return *count = 1, SUCCESS;
}

typedef struct { uint pid; ull time; uint processors, memory, encoder, decoder; } Busy;
int nvmlDeviceGetProcessUtilization(Device device, Busy *found, uint *count, ull seen) {
    CHECK(device);
    ull pid = 0, time, percent = 0;
    if (!value("busy_us", device, &time)) return NOT_SUPPORTED;
    if (time <= seen) return NOT_FOUND;
    if (!found || *count < 1) return *count = 1, INSUFFICIENT_SIZE;
    value("pid", device, &pid), value("busy", device, &percent);
    found[0] = (Busy){(uint)pid, time, (uint)percent, 0, 0, 0};
    return *count = 1, SUCCESS;
}

int nvmlDeviceGetPowerManagementDefaultLimit(Device device, uint *milliwatts) { CHECK(device); return give("default_limit_mw", device, milliwatts); }

typedef struct { uint id, scope; int64_t time, latency; int type, result; Value value; } Field;
int nvmlDeviceGetFieldValues(Device device, int count, Field *fields) {
    CHECK(device);
    for (int i = 0; i < count; i++) {
        char name[32];
        ull found = 0;
        snprintf(name, sizeof name, "field%u", fields[i].id);
        fields[i].type = type_of(name, device, 3);
        fields[i].result = give_long(name, device, &found);
        fields[i].value = kept(found, fields[i].type);
    }
    return SUCCESS;
}
#endif
