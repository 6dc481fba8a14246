package org.sparkrnn.driver.faults;

import static net.bytebuddy.matcher.ElementMatchers.isPublic;
import static net.bytebuddy.matcher.ElementMatchers.named;
import static net.bytebuddy.matcher.ElementMatchers.namedOneOf;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.instrument.Instrumentation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import net.bytebuddy.agent.builder.AgentBuilder;
import net.bytebuddy.asm.Advice;

/**
 * An agent that lets {@link Sabotage} into an executor's JVM, so that tasks go wrong where no file
 * system or serializer of a test could reach them, and without a hook in the code under test.
 */
public final class SabotageAgent {
  private SabotageAgent() {}

  /** The option of an executor's JVM; its class path holds this class anyway. */
  static String option(Path folder) throws IOException {
    Manifest manifest = new Manifest();
    Attributes attributes = manifest.getMainAttributes();
    attributes.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    attributes.putValue("Premain-Class", SabotageAgent.class.getName());
    Path jar = folder.resolve("sabotage-agent.jar");
    try (OutputStream file = Files.newOutputStream(jar)) {
      new JarOutputStream(file, manifest).close();
    }
    return "-javaagent:" + jar;
  }

  /** Called by the JVM. */
  public static void premain(String arguments, Instrumentation instrumentation) {
    install(instrumentation, "common.corpus.TokenReader", Read.class, "read");
    install(instrumentation, "worker.kernel.JavaKernel", Forward.class, "forward");
    install(instrumentation, "worker.kernel.JavaKernel", Backward.class, "backward");
    install(instrumentation, "driver.messages.Message", Serialize.class, "write", "writeExternal");
  }

  private static void install(
      Instrumentation instrumentation, String type, Class<?> advice, String... methods) {
    new AgentBuilder.Default()
        .disableClassFormatChanges()
        .type(named("org.sparkrnn." + type))
        .transform(
            (builder, description, loader, module, domain) ->
                builder.visit(Advice.to(advice).on(namedOneOf(methods).and(isPublic()))))
        .installOn(instrumentation);
  }

  // Copied into the methods' beginnings.

  static final class Read {
    @Advice.OnMethodEnter
    static void enter() {
      Sabotage.reached(Sabotage.Phase.READ);
    }
  }

  static final class Forward {
    @Advice.OnMethodEnter
    static void enter() {
      Sabotage.reached(Sabotage.Phase.FORWARD);
    }
  }

  static final class Backward {
    @Advice.OnMethodEnter
    static void enter() {
      Sabotage.reached(Sabotage.Phase.BACKWARD);
    }
  }

  static final class Serialize {
    @Advice.OnMethodEnter
    static void enter() {
      Sabotage.reached(Sabotage.Phase.SERIALIZATION);
    }
  }
}
