package org.sparkrnn.driver.storage;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.DelegateToFileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;

/** A file system that is not {@code file:}, kept in local directories: the scheme {@code other}. */
public final class OtherFileSystem extends RawLocalFileSystem {
  static final URI ROOT = URI.create("other:///");

  @Override
  public URI getUri() {
    return ROOT;
  }

  @Override
  public String getScheme() {
    return "other";
  }

  /** The same for {@code FileContext}. */
  public static final class Context extends DelegateToFileSystem {
    public Context(URI uri, Configuration configuration) throws IOException, URISyntaxException {
      super(ROOT, new OtherFileSystem(), configuration, "other", false);
    }
  }

  /** A configuration in which {@code other:} exists, with or without the newer API. */
  public static Configuration configuration(boolean withContext) {
    Configuration configuration = new Configuration();
    configuration.set("fs.other.impl", OtherFileSystem.class.getName());
    if (withContext) {
      configuration.set("fs.AbstractFileSystem.other.impl", Context.class.getName());
    }
    return configuration;
  }
}
