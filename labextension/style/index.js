// The shared view's own rules come first, and with them its colours. Each is imported by itself, so that each is made small.
import '../../nbsched/panel/view/view.css';
import './form.css';
import './index.css';
