/** Markdown of the model as HTML: no HTML of its own, no pictures, links to the web only. */
import MarkdownIt from "markdown-it";

const markdown = new MarkdownIt({ html: false, linkify: false, breaks: false }).disable("image");
markdown.validateLink = (url) => /^(https?|mailto):/i.test(url.trim());

export function renderMarkdown(text: string): string {
  return markdown.render(text);
}
