package org.sparkrnn.worker.training;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32C;
import org.sparkrnn.common.checkpoint.Checkpoint;
import org.sparkrnn.common.checkpoint.CheckpointStore;
import org.sparkrnn.common.checkpoint.CheckpointWriter;
import org.sparkrnn.common.checkpoint.Safetensors;
import org.sparkrnn.common.config.TrainingConfig;
import org.sparkrnn.common.corpus.CorpusManifest;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.NpyFormat;
import org.sparkrnn.common.corpus.Shard;
import org.sparkrnn.common.corpus.Split;
import org.sparkrnn.common.corpus.TokenReader;
import org.sparkrnn.common.corpus.Vocabulary;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.storage.Checksums;
import org.sparkrnn.common.storage.LocalFiles;
import org.sparkrnn.common.storage.MemoryFiles;
import org.sparkrnn.common.storage.Mutator;
import org.sparkrnn.worker.kernel.JavaKernel;
import org.sparkrnn.worker.model.ModelSchema;

/**
 * Main class of a small JVM that reads damaged files of every format: each is read, or refused with
 * one line that names it. {@code mutated SEED COUNT} or {@code huge FOLDER}; it ends with 0, or
 * with 1 and what went wrong with which seed and input.
 */
final class HostileInputs {
  private static final long MOST_CPU_NANOS = 20_000_000_000L; // a hang; 1 ms is usual
  private static final int MOST_FAILURES = 20;

  /** Reads one damaged file. */
  private interface Reader {
    void read(Mutator mutator, Random random) throws IOException;
  }

  private final MemoryFiles files = new MemoryFiles();
  private final CorpusReader corpus;
  private final TrainingConfig config;
  private final Map<String, Reader> readers = new LinkedHashMap<>();
  private volatile String current = "";
  private volatile long beginCpuNanos;

  private HostileInputs() throws IOException {
    corpus = Runs.corpus(files, "corpus", Runs.tokens(101, 1), Runs.tokens(40, 2));
    config = Runs.config("checkpoint.path=run", "optimizer.kind=adam", "training.max-rounds=1");
    PlainTrainer.run(config, files, corpus, new JavaKernel(), false, () -> false);
    readers.put("shard.npy", this::readShard);
    readers.put("corpus of a shard", this::readCorpusOfShard);
    readers.put("manifest of a corpus", this::readCorpus);
    readers.put("vocabulary.json", this::readVocabulary);
    readers.put("model.safetensors", this::readTensors);
    readers.put("manifest of a checkpoint", this::readCheckpoint);
    readers.put("file of a checkpoint", this::readCheckpointOfFile);
    readers.put("state.json", this::readState);
    readers.put("config.json", this::readConfig);
    readers.put("settings", this::readSettings);
  }

  public static void main(String[] arguments) throws IOException {
    int failures =
        arguments[0].equals("huge")
            ? readHuge(Path.of(arguments[1]))
            : new HostileInputs()
                .readMutated(Long.parseLong(arguments[1]), Integer.parseInt(arguments[2]));
    System.exit(failures == 0 ? 0 : 1);
  }

  private int readMutated(long seed, int count) {
    startWatchdog();
    Map<String, Integer> refused = new LinkedHashMap<>();
    readers.keySet().forEach(name -> refused.put(name, 0));
    List<String> names = List.copyOf(readers.keySet());
    int failures = 0;
    for (int input = 0; input < count && failures < MOST_FAILURES; input++) {
      String name = names.get(input % names.size());
      Random random = new Random(seed * 1_000_003 + input);
      begin("%s, seed %d, input %d".formatted(name, seed, input));
      try {
        readers.get(name).read(new Mutator(random), random);
      } catch (CorruptFileException | BadInputException expected) {
        refused.merge(name, 1, Integer::sum);
        failures += complaint(name, String.valueOf(expected.getMessage()));
      } catch (Throwable failure) { // errors too: that there are none is what is tested
        failures++;
        System.out.println("FAILURE: " + current + ": " + failure);
        Arrays.stream(failure.getStackTrace()).limit(12).forEach(System.out::println);
      }
    }
    System.out.printf("%d inputs with seed %d, refused %s%n", count, seed, refused);
    return failures;
  }

  /** What is wrong with a message: 1 if anything is. */
  private int complaint(String name, String message) {
    boolean named =
        name.equals("settings") || message.contains("corpus") || message.contains("run/");
    boolean oneLine = message.codePoints().noneMatch(Character::isISOControl);
    if (named && oneLine && message.length() <= 2100 && !message.isBlank()) {
      return 0;
    }
    System.out.println("FAILURE: " + current + ": unfit message: " + message);
    return 1;
  }

  private void begin(String input) {
    current = input;
    beginCpuNanos = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  /** Processor time: the machine may stop a test for minutes, which is no hang of ours. */
  private void startWatchdog() {
    long reader = Thread.currentThread().getId();
    Thread watchdog =
        new Thread(
            () -> {
              while (true) {
                try {
                  Thread.sleep(500);
                } catch (InterruptedException e) {
                  return;
                }
                long cpu = ManagementFactory.getThreadMXBean().getThreadCpuTime(reader);
                if (cpu - beginCpuNanos > MOST_CPU_NANOS) {
                  System.out.println("FAILURE: " + current + ": it hangs");
                  System.out.flush();
                  Runtime.getRuntime().halt(3);
                }
              }
            });
    watchdog.setDaemon(true);
    watchdog.start();
  }

  private void readShard(Mutator mutator, Random random) throws IOException {
    byte[] bytes = mutator.mutate(files.content("corpus/train/shard-00000.npy"));
    MemoryFiles hostile = new MemoryFiles();
    write(hostile, "corpus/shard.npy", bytes);
    NpyFormat.read(hostile.open("corpus/shard.npy"), "corpus/shard.npy");
  }

  /** The checksums of the manifest are right: its writer was the attacker. */
  private void readCorpusOfShard(Mutator mutator, Random random) throws IOException {
    byte[] bytes = mutator.mutateInPlace(files.content("corpus/train/shard-00000.npy"));
    CRC32C checksum = new CRC32C();
    checksum.update(bytes);
    String name = "train/shard-00000.npy";
    Shard shard =
        new Shard(
            name, (bytes.length - 128) / 2, bytes.length, "%08x".formatted(checksum.getValue()));
    MemoryFiles hostile = new MemoryFiles();
    write(hostile, "corpus/" + name, bytes);
    write(hostile, "corpus/" + Vocabulary.FILE, files.content("corpus/" + Vocabulary.FILE));
    CorpusManifest.of(corpus.vocabulary(), Map.of("train", new Split(0, List.of(shard))))
        .write(hostile, "corpus");
    readAll(hostile);
  }

  private void readCorpus(Mutator mutator, Random random) throws IOException {
    MemoryFiles hostile = copyOf("corpus");
    String manifest = "corpus/" + CorpusManifest.FILE;
    write(hostile, manifest, sealed(mutator, random, files.content(manifest)));
    readAll(hostile);
  }

  private static void readAll(MemoryFiles hostile) throws IOException {
    CorpusReader reader = new CorpusReader(hostile, "corpus");
    reader.vocabulary();
    for (String split : reader.manifest().splits().keySet()) {
      try (TokenReader tokens = reader.tokens(split)) {
        int[] target = new int[(int) Math.min(1000, tokens.tokens())];
        tokens.read(0, target, 0, target.length);
        tokens.read(tokens.tokens() - target.length, target, 0, target.length);
      } catch (java.nio.file.NoSuchFileException missing) {
        throw new CorruptFileException("Cannot find " + missing.getFile(), missing);
      }
    }
  }

  private void readVocabulary(Mutator mutator, Random random) throws IOException {
    String path = "corpus/" + Vocabulary.FILE;
    Vocabulary.parse(mutator.mutate(files.content(path)), path);
  }

  private void readTensors(Mutator mutator, Random random) throws IOException {
    String path = checkpointPath() + "/model.safetensors";
    MemoryFiles hostile = new MemoryFiles();
    write(hostile, path, mutatedTensors(mutator, random, files.content(path)));
    try (SeekableByteChannel channel = hostile.open(path)) {
      Safetensors tensors = Safetensors.open(channel, path);
      for (String name : tensors.names()) {
        tensors.read(name);
      }
    }
  }

  private void readCheckpoint(Mutator mutator, Random random) throws IOException {
    MemoryFiles hostile = copyOf("run");
    String manifest = checkpointPath() + "/manifest.json";
    write(hostile, manifest, sealed(mutator, random, files.content(manifest)));
    CheckpointStore.resolve(hostile, random.nextBoolean() ? "run" : checkpointPath(), warning -> {})
        .verify();
  }

  /** The checksums of the manifest are right: its writer was the attacker. */
  private void readCheckpointOfFile(Mutator mutator, Random random) throws IOException {
    Checkpoint good = new CheckpointStore(files, "run").newest().orElseThrow();
    List<String> names = List.copyOf(good.names());
    String damaged = names.get(random.nextInt(names.size()));
    MemoryFiles hostile = new MemoryFiles();
    CheckpointWriter writer = new CheckpointStore(hostile, "run").begin(good.step());
    for (String name : names) {
      byte[] bytes = files.content(good.pathOf(name));
      writer.add(name, name.equals(damaged) ? mutated(mutator, random, name, bytes) : bytes);
    }
    writer.commit();
    TrainingCheckpoint checkpoint =
        TrainingCheckpoint.open(CheckpointStore.resolve(hostile, "run", warning -> {}));
    checkpoint.requireContinuedBy(config, ModelSchema.of(corpus.vocabulary()));
    checkpoint.parameters();
    for (int replica = 0; replica < checkpoint.state().plan().replicas(); replica++) {
      checkpoint.replica(replica);
    }
  }

  private static byte[] mutated(Mutator mutator, Random random, String name, byte[] good) {
    return name.endsWith(".safetensors")
        ? mutatedTensors(mutator, random, good)
        : mutator.mutate(good);
  }

  /** Half of them have a header of the length that they say. */
  private static byte[] mutatedTensors(Mutator mutator, Random random, byte[] good) {
    if (random.nextBoolean()) {
      return mutator.mutate(good);
    }
    int end = 8 + (int) ByteBuffer.wrap(good).order(ByteOrder.LITTLE_ENDIAN).getLong();
    byte[] header = mutator.mutate(Arrays.copyOfRange(good, 8, end));
    return ByteBuffer.allocate(8 + header.length + good.length - end)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .put(good, end, good.length - end)
        .array();
  }

  private void readState(Mutator mutator, Random random) throws IOException {
    String path = checkpointPath() + "/state.json";
    TrainingState state = TrainingState.fromJson(mutator.mutate(files.content(path)), path);
    state.toJson();
  }

  private void readConfig(Mutator mutator, Random random) throws IOException {
    String path = checkpointPath() + "/config.json";
    TrainingConfig.ofCheckpoint(mutator.mutate(files.content(path)), path).semanticText();
  }

  private void readSettings(Mutator mutator, Random random) throws IOException {
    byte[] good =
        random.nextBoolean() ? files.content(checkpointPath() + "/config.json") : reference();
    TrainingConfig.load(new String(mutator.mutate(good), UTF_8), List.of()).semanticText();
  }

  private static byte[] reference() throws IOException {
    try (var in = TrainingConfig.class.getResourceAsStream("reference.conf")) {
      return in.readAllBytes();
    }
  }

  private String checkpointPath() throws IOException {
    return new CheckpointStore(files, "run").newest().orElseThrow().path();
  }

  /** Three of four have a right seal, so that what is behind it is read. */
  private static byte[] sealed(Mutator mutator, Random random, byte[] good) {
    if (random.nextInt(4) == 0) {
      return mutator.mutate(good);
    }
    String text = new String(good, UTF_8);
    String open = text.substring(0, text.lastIndexOf(",\n  \"sha256\" : \""));
    byte[] mutated = mutator.mutate(open.getBytes(UTF_8));
    byte[] end = "\n}\n".getBytes(UTF_8);
    byte[] unsealed = Arrays.copyOf(mutated, mutated.length + end.length);
    System.arraycopy(end, 0, unsealed, mutated.length, end.length);
    byte[] seal =
        ",\n  \"sha256\" : \"%s\"\n}\n".formatted(Checksums.sha256Hex(unsealed)).getBytes(UTF_8);
    byte[] all = Arrays.copyOf(mutated, mutated.length + seal.length);
    System.arraycopy(seal, 0, all, mutated.length, seal.length);
    return all;
  }

  private MemoryFiles copyOf(String folder) throws IOException {
    MemoryFiles copy = new MemoryFiles();
    for (String path : files.below(folder)) {
      write(copy, path, files.content(path));
    }
    return copy;
  }

  private static void write(MemoryFiles target, String path, byte[] bytes) throws IOException {
    try (OutputStream out = target.create(path)) {
      out.write(bytes);
    }
  }

  /** Files that are longer than the heap; they are sparse and take no room on the disk. */
  private static int readHuge(Path folder) throws IOException {
    LocalFiles files = new LocalFiles();
    Path vocabulary = sparse(folder.resolve("vocabulary.json"), "{", 1L << 30);
    Path manifest = sparse(folder.resolve("corpus/manifest.json"), "{", 1L << 30);
    Path step = sparse(folder.resolve("run/step-1/manifest.json"), "{", 1L << 26);
    Path values = folder.resolve("values.json");
    java.nio.file.Files.writeString(values, "{\"a\":[" + "[],".repeat(2_000_000) + "[]]}");
    Path header = sparse(folder.resolve("header.safetensors"), length(99_999_992), 100_000_000);
    String tensor =
        "{\"a\":{\"data_offsets\":[0,8589934588],\"dtype\":\"F32\",\"shape\":[2147483647]}}";
    Path data =
        sparse(
            folder.resolve("data.safetensors"),
            length(tensor.length()) + tensor,
            8 + tensor.length() + 8_589_934_588L);
    Path settings = sparse(folder.resolve("settings.conf"), "a=", 1L << 32);
    return refused("vocabulary", () -> Vocabulary.read(files, vocabulary.toString()))
        + refused("manifest", () -> CorpusManifest.read(files, manifest.getParent().toString()))
        + refused(
            "step", () -> CheckpointStore.resolve(files, step.getParent().toString(), w -> {}))
        + refused("values", () -> Vocabulary.read(files, values.toString()))
        + refused("header", () -> tensors(files, header))
        + refused("data", () -> tensors(files, data))
        + refused("settings", () -> TrainingConfig.load(settings, List.of()));
  }

  private interface Huge {
    void read() throws IOException;
  }

  private static int refused(String name, Huge huge) throws IOException {
    try {
      huge.read();
    } catch (CorruptFileException | BadInputException expected) {
      System.out.println(name + ": " + expected.getMessage());
      return 0;
    } catch (OutOfMemoryError error) {
      System.out.println("FAILURE: " + name + ": " + error);
      return 1;
    }
    System.out.println("FAILURE: " + name + " was read");
    return 1;
  }

  private static void tensors(LocalFiles files, Path path) throws IOException {
    try (SeekableByteChannel channel = files.open(path.toString())) {
      Safetensors.open(channel, path.toString()).read("a");
    }
  }

  private static String length(long value) {
    byte[] bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    return new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
  }

  private static Path sparse(Path path, String start, long bytes) throws IOException {
    java.nio.file.Files.createDirectories(path.getParent());
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.write(start.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
      file.setLength(bytes);
    }
    return path;
  }
}
